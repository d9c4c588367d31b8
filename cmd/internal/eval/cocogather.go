package eval

import (
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// gathering makes objects and detections of annotations, for each kind those that can be
// compared by it.
type gathering struct {
	sizes      map[int64][2]int // height and width of the images; 0 of those that don't tell
	objects    [2][]Truth       // by Kind
	detections [2][]Detection
	problems   coco.Problems
}

// sizesOf are the heights and widths of images, of those that don't tell theirs by the
// first RLE in them.
func sizesOf(d *coco.Dataset) map[int64][2]int {
	sizes := make(map[int64][2]int, len(d.Images))
	for _, m := range d.Images {
		sizes[m.ID] = [2]int{m.Height, m.Width}
	}
	for _, a := range d.Annotations {
		if size, ok := sizes[a.ImageID]; ok && size[0] == 0 && a.Mask.RLE != nil {
			sizes[a.ImageID] = [2]int{a.Mask.RLE.Height, a.Mask.RLE.Width}
		}
	}
	return sizes
}

// filled is what an annotation tells, or what follows from it.
type filled struct {
	box  *coco.Box
	mask *coco.RLE
	area float64
	bad  string // why there is no mask
	left string // why it is left out
}

func (g *gathering) gather(ctx context.Context, truth, found *coco.Dataset) error {
	objects, err := g.fillAll(ctx, truth)
	if err != nil {
		return err
	}
	for i, f := range objects {
		a := &truth.Annotations[i]
		t := Truth{Image: a.ImageID, Category: a.CategoryID, Crowd: a.Crowd, Area: f.area}
		if g.use(f, "truth: annotation of id %d, image %d", a.ID, a.ImageID) {
			t.Box = *f.box
			g.objects[Boxes] = append(g.objects[Boxes], t)
			if f.mask != nil {
				t.Mask = *f.mask
				g.objects[Masks] = append(g.objects[Masks], t)
			}
		}
	}
	detections, err := g.fillAll(ctx, found)
	if err != nil {
		return err
	}
	for i, f := range detections {
		a := &found.Annotations[i]
		d := Detection{Image: a.ImageID, Category: a.CategoryID, Score: 1}
		if a.Score != nil {
			d.Score = *a.Score
		}
		if g.use(f, "detection %d, image %d", int64(i), a.ImageID) {
			d.Box = *f.box
			g.detections[Boxes] = append(g.detections[Boxes], d)
			if f.mask != nil {
				d.Mask = *f.mask
				g.detections[Masks] = append(g.detections[Masks], d)
			}
		}
	}
	if len(detections) > 0 && len(g.detections[Boxes]) == 0 {
		return fmt.Errorf("eval: none of the %d detections can be scored: %s", len(detections), detections[0].left)
	}
	return nil
}

// use notes what is left out, and reports whether there is something to score.
func (g *gathering) use(f filled, place string, id, image int64) bool {
	switch {
	case f.left != "":
		g.problems.Add(fmt.Sprintf(place, id, image), "%s: it is left out", f.left)
	case f.bad != "":
		g.problems.Add(fmt.Sprintf(place, id, image), "%s: it counts by its box alone", f.bad)
	}
	return f.left == ""
}

// has reports whether figures of a kind mean something: masks have to be on both sides.
func (g *gathering) has(k Kind, found bool) bool {
	return k == Boxes || len(g.objects[Masks]) > 0 && (len(g.detections[Masks]) > 0 || !found)
}

func (g *gathering) fillAll(ctx context.Context, d *coco.Dataset) ([]filled, error) {
	list := make([]filled, len(d.Annotations))
	err := parallel(ctx, len(list), func(i int) error {
		list[i] = g.fill(&d.Annotations[i])
		return nil
	})
	return list, err
}

func (g *gathering) fill(a *coco.Annotation) (f filled) {
	size, ok := g.sizes[a.ImageID]
	switch {
	case !ok:
		f.left = fmt.Sprintf("image %d isn't one of the %d images of the truth", a.ImageID, len(g.sizes))
		return f
	case a.Mask.Empty():
		f.bad = "there is no mask"
	case size[0] == 0:
		f.bad = "its image doesn't tell its size"
	default:
		if mask, err := a.Mask.At(size[0], size[1]); err != nil {
			f.bad = fmt.Sprintf("segmentation: %v", err)
		} else {
			f.mask = &mask
		}
	}
	switch {
	case a.Box != nil:
		f.box = a.Box
	case f.mask != nil:
		box := coco.BoxOf(*f.mask)
		f.box = &box
	default:
		f.left = f.bad
		return f
	}
	switch {
	case a.Area != nil:
		f.area = *a.Area
	case f.mask != nil:
		f.area = float64(f.mask.Area())
	default:
		f.area = f.box.Area()
	}
	return f
}

package eval

import (
	"context"
	"fmt"
	"io"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// COCOOptions are the choices of [ScoreCOCO].
type COCOOptions struct {
	ByCategory bool    // else class-agnostic: all categories are one
	Images     []int64 // score these alone, as after a part of a run; nil is all of the truth
}

// COCOScores are the figures for boxes and masks.
type COCOScores struct {
	ByCategory bool             `json:"by_category"`
	Box        *DetectionScores `json:"box"`
	Mask       *DetectionScores `json:"mask"`
}

// ScoreCOCO scores annotations or results against the objects of an instance file.
// Images are told by their ids ([coco.Dataset.NumberLike] gives those to images
// that are known by name). What an entry lacks is made of what it has: a box of the
// mask, an area of the mask, a score of 1. What can't be made, such as the mask of a
// box, is an error that names the entry.
func ScoreCOCO(ctx context.Context, truth, found *coco.Dataset, opt COCOOptions) (*COCOScores, error) {
	sizes := make(map[int64][2]int, len(truth.Images))
	images := make([]int64, len(truth.Images))
	for i, m := range truth.Images {
		images[i] = m.ID
		sizes[m.ID] = [2]int{m.Height, m.Width}
	}
	if opt.Images != nil {
		images = opt.Images
		for _, id := range images {
			if _, ok := sizes[id]; !ok {
				return nil, fmt.Errorf("eval: image %d isn't one of the %d images of the truth", id, len(sizes))
			}
		}
		truth, found = within(images, truth), within(images, found)
	}
	objects := make([]Truth, len(truth.Annotations))
	err := parallel(ctx, len(objects), func(i int) error {
		a := &truth.Annotations[i]
		box, mask, area, err := complete(a, sizes)
		if err != nil {
			return fmt.Errorf("truth: annotation %d (id %d): %w", i, a.ID, err)
		}
		objects[i] = Truth{a.ImageID, a.CategoryID, a.Crowd, area, box, mask}
		return nil
	})
	if err != nil {
		return nil, err
	}
	detections := make([]Detection, len(found.Annotations))
	err = parallel(ctx, len(detections), func(i int) error {
		a := &found.Annotations[i]
		box, mask, _, err := complete(a, sizes)
		if err != nil {
			return fmt.Errorf("detections: annotation %d (image %d): %w", i, a.ImageID, err)
		}
		score := 1.0
		if a.Score != nil {
			score = *a.Score
		}
		detections[i] = Detection{a.ImageID, a.CategoryID, score, box, mask}
		return nil
	})
	if err != nil {
		return nil, err
	}

	scores := &COCOScores{ByCategory: opt.ByCategory}
	for _, k := range []Kind{Boxes, Masks} {
		s, err := ScoreDetections(ctx, images, objects, detections, DetectionOptions{k, opt.ByCategory})
		if err != nil {
			return nil, err
		}
		s.name(truth.Categories)
		if k == Boxes {
			scores.Box = s
		} else {
			scores.Mask = s
		}
	}
	return scores, nil
}

// within leaves out the annotations of other images.
func within(images []int64, d *coco.Dataset) *coco.Dataset {
	in := make(map[int64]bool, len(images))
	for _, id := range images {
		in[id] = true
	}
	part := &coco.Dataset{Categories: d.Categories}
	for _, a := range d.Annotations {
		if in[a.ImageID] {
			part.Annotations = append(part.Annotations, a)
		}
	}
	return part
}

// complete returns what an annotation tells, or what follows from it.
func complete(a *coco.Annotation, sizes map[int64][2]int) (box coco.Box, mask coco.RLE, area float64, err error) {
	size, ok := sizes[a.ImageID]
	if !ok {
		return box, mask, 0, fmt.Errorf("image %d isn't one of the %d images of the truth", a.ImageID, len(sizes))
	}
	if mask, err = a.Mask.At(size[0], size[1]); err != nil {
		return box, mask, 0, fmt.Errorf("segmentation: %w", err)
	}
	if a.Box != nil {
		box = *a.Box
	} else {
		box = coco.BoxOf(mask)
	}
	if a.Area != nil {
		area = *a.Area
	} else {
		area = float64(mask.Area())
	}
	return box, mask, area, nil
}

// name puts the categories' names beside their ids.
func (s *DetectionScores) name(categories []coco.Category) {
	for i := range s.Categories {
		for _, c := range categories {
			if c.ID == s.Categories[i].ID {
				s.Categories[i].Name = c.Name
			}
		}
	}
}

// WriteTable writes the figures in percent, as the papers print them; – stands for
// a figure of no objects.
func (s *COCOScores) WriteTable(w io.Writer) error {
	t := table{{"%", "AP", "AP50", "AP75", "AP small", "AP medium", "AP large", "AR1", "AR10", "AR100", "objects", "detections"}}
	var categories table
	for _, d := range []*DetectionScores{s.Box, s.Mask} {
		t = append(t, []string{
			d.Kind.String(), percent(d.AP), percent(d.AP50), percent(d.AP75), percent(d.APSmall), percent(d.APMedium), percent(d.APLarge),
			percent(d.AR1), percent(d.AR10), percent(d.AR100), fmt.Sprint(d.Truths), fmt.Sprint(d.Detections),
		})
		for _, c := range d.Categories {
			name := c.Name
			if name == "" {
				name = fmt.Sprint(c.ID)
			}
			categories = append(categories, []string{d.Kind.String() + " " + printable(name), percent(c.AP), percent(c.AP50), percent(c.AP75), percent(c.AR100)})
		}
	}
	if err := t.write(w); err != nil || categories == nil {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return append(table{{"%", "AP", "AP50", "AP75", "AR100"}}, categories...).write(w)
}

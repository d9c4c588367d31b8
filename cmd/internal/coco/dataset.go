package coco

import "fmt"

// Dataset is the part of an annotation file that crate-vk knows. A list of results
// is one without images and categories.
type Dataset struct {
	Images      []Image
	Annotations []Annotation
	Categories  []Category
	Problems    Problems // what was passed over in reading
}

// Image is one entry of "images".
type Image struct {
	ID            int64
	FileName      string // any bytes: a name that isn't UTF-8 survives writing and reading
	Width, Height int
}

// Category is one entry of "categories".
type Category struct {
	ID                  int64
	Name, Supercategory string
}

// Foreground is the one category of what is segmented without classes, in the words
// of CutLER's files.
func Foreground() Category { return Category{ID: 1, Name: "fg", Supercategory: "fg"} }

// Annotation is an object in an image, or a result. What a pointer points to may be
// missing in a file.
type Annotation struct {
	ID         int64 // 0 in a list of results
	ImageID    int64
	CategoryID int64
	Crowd      bool
	Area       *float64
	Box        *Box
	Mask       Segmentation
	Score      *float64
}

// NewAnnotation describes a mask of the one category [Foreground], with its area and
// box. The score is for what COCO calls results.
func NewAnnotation(id, imageID int64, m RLE, score float64) Annotation {
	area, box := float64(m.Area()), BoxOf(m)
	return Annotation{
		ID: id, ImageID: imageID, CategoryID: Foreground().ID,
		Area: &area, Box: &box, Mask: Segmentation{RLE: &m}, Score: &score,
	}
}

// Segmentation is a mask in one of its two forms, or none.
type Segmentation struct {
	Polygons [][]float64 // each [x0 y0 x1 y1 …]
	RLE      *RLE
}

// Empty reports that there is no mask, not even an empty one.
func (s Segmentation) Empty() bool { return s.Polygons == nil && s.RLE == nil }

// At returns the mask in an image of the size. An RLE of another size is a
// *FormatError, and so is no mask at all.
func (s Segmentation) At(height, width int) (RLE, error) {
	switch {
	case s.RLE != nil && (s.RLE.Height != height || s.RLE.Width != width):
		return RLE{}, at("size", malformed("is %d×%d (height×width), want the image's %d×%d", s.RLE.Height, s.RLE.Width, height, width))
	case s.RLE != nil:
		return *s.RLE, nil
	case s.Polygons != nil:
		return Fill(s.Polygons, height, width)
	}
	return RLE{}, malformed("there is none, want polygons or an RLE")
}

// check finds what the entries of a file have to have in common.
func (d *Dataset) check() error {
	images := make(map[int64]bool, len(d.Images))
	for i, m := range d.Images {
		if images[m.ID] {
			return at(fmt.Sprintf("images[%d].id", i), malformed("is %d, as another image's is", m.ID))
		}
		images[m.ID] = true
	}
	categories := make(map[int64]bool, len(d.Categories))
	for i, c := range d.Categories {
		if categories[c.ID] {
			return at(fmt.Sprintf("categories[%d].id", i), malformed("is %d, as another category's is", c.ID))
		}
		categories[c.ID] = true
	}
	ids := make(map[int64]bool, len(d.Annotations))
	for i, a := range d.Annotations {
		place := fmt.Sprintf("annotations[%d]", i)
		if !images[a.ImageID] {
			return at(place, at("image_id", malformed("is %d, want the id of an image", a.ImageID)))
		}
		if len(d.Categories) > 0 && !categories[a.CategoryID] {
			return at(place, at("category_id", malformed("is %d, want the id of a category", a.CategoryID)))
		}
		if a.ID != 0 && ids[a.ID] {
			return at(place, at("id", malformed("is %d, as another annotation's is", a.ID)))
		}
		ids[a.ID] = true
	}
	return nil
}

// tidy leaves out what has no sense beside the rest: images that are there twice, and
// annotations of images that aren't there.
func (d *Dataset) tidy() {
	var images, categories map[int64]bool
	d.Images, images = firstOnes(d, "image", d.Images, func(m Image) int64 { return m.ID })
	d.Categories, categories = firstOnes(d, "category", d.Categories, func(c Category) int64 { return c.ID })
	d.tidyAnnotations(images, categories)
}

// firstOnes keeps the first entry of each id, and returns the ids, too.
func firstOnes[E any](d *Dataset, what string, list []E, id func(E) int64) ([]E, map[int64]bool) {
	seen := make(map[int64]bool, len(list))
	kept := list[:0]
	for _, e := range list {
		n := id(e)
		if seen[n] {
			d.Problems.Add(fmt.Sprintf("%s of id %d", what, n), "is there before: this one is left out")
			continue
		}
		seen[n] = true
		kept = append(kept, e)
	}
	return kept, seen
}

func (d *Dataset) tidyAnnotations(images, categories map[int64]bool) {
	ids := make(map[int64]bool, len(d.Annotations))
	kept := d.Annotations[:0]
	for _, a := range d.Annotations {
		place := fmt.Sprintf("annotation of id %d", a.ID)
		if !images[a.ImageID] {
			d.Problems.Add(place, "is of image %d, which isn't there: it is left out", a.ImageID)
			continue
		}
		if len(categories) > 0 && !categories[a.CategoryID] {
			d.Problems.Add(place, "is of category %d, which isn't there: only class-agnostic figures mean something for it", a.CategoryID)
		}
		if a.ID != 0 && ids[a.ID] {
			d.Problems.Add(place, "has the id of another annotation: both count")
			a.ID = 0
		}
		ids[a.ID] = true
		kept = append(kept, a)
	}
	d.Annotations = kept
}

package coco

import (
	"context"
	"encoding/base64"
	"io"
	"math"

	"github.com/crate-vk/crate-vk/internal/regular"
)

// Handler is told what a file holds, in the file's order. A nil function stands for
// entries that aren't wanted; what an error says ends the reading.
type Handler struct {
	Image      func(Image) error
	Annotation func(Annotation) error
	Category   func(Category) error
}

// Scan reads an annotation file, or a list of results, entry by entry. Each entry
// is checked for itself; what it has in common with others is [Read]'s business.
// ctx is looked at between entries.
func Scan(ctx context.Context, r io.Reader, h Handler) error {
	s := newScanner(ctx, r)
	var err error
	switch s.space() {
	case '[':
		err = s.array(func(int) error { return s.annotation(h.Annotation) })
	case '{':
		err = s.object([]string{"images", "annotations", "categories"}, func(name string) error {
			return s.array(func(int) error {
				switch name {
				case "images":
					return s.image(h.Image)
				case "annotations":
					return s.annotation(h.Annotation)
				}
				return s.category(h.Category)
			})
		})
	default:
		err = s.wanted("an annotation file or a list of results")
	}
	if err != nil {
		return err
	}
	return s.end()
}

// Read reads a whole annotation file, or a list of results, into memory.
func Read(ctx context.Context, r io.Reader) (*Dataset, error) {
	d := new(Dataset)
	err := Scan(ctx, r, Handler{
		Image:      func(m Image) error { d.Images = append(d.Images, m); return nil },
		Annotation: func(a Annotation) error { d.Annotations = append(d.Annotations, a); return nil },
		Category:   func(c Category) error { d.Categories = append(d.Categories, c); return nil },
	})
	if err == nil && d.Images != nil {
		err = d.check()
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// ReadFile is [Read] of a file; the errors of this package carry its path.
func ReadFile(ctx context.Context, path string) (*Dataset, error) {
	f, _, err := regular.Open(path, regular.Records)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := Read(ctx, regular.Reader(ctx, f))
	return d, inFile(path, err)
}

// required says that an entry lacks something.
func (s *scanner) required(has bool, name string) error {
	if has {
		return nil
	}
	return s.fail("%q is missing in the entry that ends", name)
}

func (s *scanner) image(yield func(Image) error) error {
	if yield == nil {
		return s.skip()
	}
	var m Image
	var hasID, hasBytes bool
	err := s.object([]string{"id", "file_name", "width", "height", "path_bytes"}, func(name string) (err error) {
		switch name {
		case "id":
			hasID = true
			m.ID, err = s.integer()
		case "width":
			m.Width, err = s.side()
		case "height":
			m.Height, err = s.side()
		case "file_name":
			var text string
			if text, err = s.str(); !hasBytes {
				m.FileName = text
			}
		case "path_bytes":
			hasBytes = true
			var text string
			if text, err = s.str(); err == nil {
				var b []byte
				if b, err = base64.StdEncoding.DecodeString(text); err != nil {
					err = s.fail("no base64")
				}
				m.FileName = string(b)
			}
		}
		return err
	})
	if err == nil {
		err = s.required(hasID, "id")
	}
	if err == nil && (m.Width != 0 || m.Height != 0) {
		err = checkSize(m.Height, m.Width)
	}
	if err != nil {
		return err
	}
	return yield(m)
}

// side reads a width or a height.
func (s *scanner) side() (int, error) {
	v, err := s.integer()
	if err == nil && (v < 1 || v > maxPixels) {
		err = s.fail("the number is %d, want 1 to %d", v, maxPixels)
	}
	return int(v), err
}

func (s *scanner) category(yield func(Category) error) error {
	if yield == nil {
		return s.skip()
	}
	var c Category
	hasID := false
	err := s.object([]string{"id", "name", "supercategory"}, func(name string) (err error) {
		switch name {
		case "id":
			hasID = true
			c.ID, err = s.integer()
		case "name":
			c.Name, err = s.str()
		case "supercategory":
			c.Supercategory, err = s.str()
		}
		return err
	})
	if err == nil {
		err = s.required(hasID, "id")
	}
	if err != nil {
		return err
	}
	return yield(c)
}

func (s *scanner) annotation(yield func(Annotation) error) error {
	if yield == nil {
		return s.skip()
	}
	var a Annotation
	var hasImage, hasCategory bool
	names := []string{"id", "image_id", "category_id", "iscrowd", "area", "bbox", "segmentation", "score"}
	err := s.object(names, func(name string) (err error) {
		switch name {
		case "id":
			a.ID, err = s.integer()
		case "image_id":
			hasImage = true
			a.ImageID, err = s.integer()
		case "category_id":
			hasCategory = true
			a.CategoryID, err = s.integer()
		case "iscrowd":
			a.Crowd, err = s.flag()
		case "area":
			a.Area, err = s.optional()
		case "score":
			a.Score, err = s.optional()
		case "bbox":
			a.Box, err = s.box()
		case "segmentation":
			a.Mask, err = s.segmentation()
		}
		return err
	})
	if err == nil {
		err = s.required(hasImage, "image_id")
	}
	if err == nil {
		err = s.required(hasCategory, "category_id")
	}
	if err != nil {
		return err
	}
	return yield(a)
}

// flag reads 0, 1, false or true.
func (s *scanner) flag() (bool, error) {
	switch s.space() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	}
	v, err := s.integer()
	if err == nil && v != 0 && v != 1 {
		err = s.fail("the number is %d, want 0 or 1", v)
	}
	return v == 1, err
}

// optional reads a number or null.
func (s *scanner) optional() (*float64, error) {
	if s.space() == 'n' {
		return nil, s.literal("null")
	}
	v, err := s.number()
	return &v, err
}

// box reads [x y width height]; null and [] stand for none.
func (s *scanner) box() (*Box, error) {
	if s.space() == 'n' {
		return nil, s.literal("null")
	}
	var v []float64
	err := s.array(func(i int) error {
		x, err := s.number()
		if i < len(Box{}) {
			v = append(v, x)
		} else if err == nil {
			err = s.fail("more than 4 numbers in a box")
		}
		return err
	})
	switch {
	case err != nil || len(v) == 0:
		return nil, err
	case len(v) != len(Box{}):
		return nil, s.fail("a box of %d numbers, want 4,", len(v))
	case v[2] < 0 || v[3] < 0:
		return nil, s.fail("a box of width %g and height %g, want at least 0,", v[2], v[3])
	}
	return (*Box)(v), nil
}

// segmentation reads a list of polygons, or an object with an RLE; null and []
// stand for none.
func (s *scanner) segmentation() (Segmentation, error) {
	switch s.space() {
	case 'n':
		return Segmentation{}, s.literal("null")
	case '{':
		return s.rle()
	}
	var m Segmentation
	err := s.array(func(int) error {
		var p []float64
		err := s.array(func(int) error {
			v, err := s.number()
			if err == nil && math.Abs(v) > maxCoordinate {
				err = unsupported("the coordinate is %g, want at most %g", v, float64(maxCoordinate))
			}
			p = append(p, v)
			return err
		})
		if err == nil && (len(p) < 6 || len(p)%2 != 0) {
			err = s.fail("a polygon of %d numbers, want an even number of at least 6 (3 points),", len(p))
		}
		m.Polygons = append(m.Polygons, p)
		return err
	})
	return m, err
}

// rle reads {"size": [height, width], "counts": …} with counts as a list of numbers
// or as a compressed string, in any order.
func (s *scanner) rle() (Segmentation, error) {
	var size []int
	var counts []uint32
	var compressed *string
	err := s.object([]string{"size", "counts"}, func(name string) error {
		switch {
		case name == "size":
			return s.array(func(i int) error {
				v, err := s.side()
				if size = append(size, v); err == nil && i > 1 {
					err = s.fail("more than 2 numbers in a size")
				}
				return err
			})
		case s.space() == '"':
			text, err := s.str()
			compressed = &text
			return err
		}
		return s.array(func(int) error {
			v, err := s.integer()
			if err == nil && (v < 0 || v > maxPixels) {
				err = s.fail("the number is %d, want 0 to %d", v, maxPixels)
			}
			counts = append(counts, uint32(v))
			return err
		})
	})
	if err != nil {
		return Segmentation{}, err
	}
	if len(size) != 2 {
		return Segmentation{}, at("size", s.fail("has %d numbers, want 2 (height and width),", len(size)))
	}
	var m RLE
	if compressed != nil {
		m, err = ParseCompressed(size[0], size[1], *compressed)
	} else {
		m, err = FromCounts(size[0], size[1], counts)
	}
	return Segmentation{RLE: &m}, err
}

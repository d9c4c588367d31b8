package coco

import (
	"fmt"
	"math"
)

func (s *scanner) annotation() (a Annotation, err error) {
	e := s.in
	var hasImage, hasCategory bool
	names := []string{"id", "image_id", "category_id", "iscrowd", "area", "bbox", "segmentation", "score"}
	err = s.object(names, func(name string) (err error) {
		switch name {
		case "id":
			a.ID, _, err = s.id()
		case "image_id":
			a.ImageID, hasImage, err = s.id()
		case "category_id":
			a.CategoryID, hasCategory, err = s.id()
		case "iscrowd":
			a.Crowd, err = s.flag(name)
		case "area":
			a.Area, err = s.optional(name)
		case "score":
			if a.Score, err = s.optional(name); a.Score != nil && math.IsNaN(*a.Score) {
				e.drop("has a score that is no number")
			}
		case "bbox":
			a.Box, err = s.box(name)
		case "segmentation":
			a.Mask, err = s.segmentation(name)
		}
		return err
	})
	if err != nil {
		return a, err
	}
	if a.Area != nil && !(*a.Area >= 0) {
		e.field("area", "is %g, want a number of at least 0", *a.Area)
		a.Area = nil
	}
	switch {
	case !hasImage:
		e.drop("has no image_id")
	case a.Box == nil && a.Mask.Empty():
		e.drop("has neither a box nor a mask")
	case !hasCategory:
		e.field("category_id", "is missing")
	}
	return a, nil
}

// flag reads 0, 1, false or true.
func (s *scanner) flag(name string) (bool, error) {
	switch s.space() {
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return false, s.literal("null")
	}
	v, ok, err := s.real()
	if err == nil && !ok {
		s.in.field(name, "is neither 0 nor 1")
	}
	return v != 0, err
}

// optional reads a number or null; anything else is NaN.
func (s *scanner) optional(name string) (*float64, error) {
	if is, err := s.null(); is {
		return nil, err
	}
	v, ok, err := s.real()
	if !ok {
		v = math.NaN()
	}
	return &v, err
}

// box reads [x y width height]; null and [] stand for none.
func (s *scanner) box(name string) (*Box, error) {
	if is, err := s.null(); is {
		return nil, err
	}
	if s.space() != '[' {
		s.in.field(name, "is no list of 4 numbers")
		return nil, s.skip()
	}
	v, bad, err := s.reals()
	switch {
	case err != nil || len(v) == 0:
		return nil, err
	case len(v) != len(Box{}):
		bad = fmt.Sprintf("it has %d numbers", len(v))
	case bad == "" && (v[2] < 0 || v[3] < 0):
		bad = fmt.Sprintf("width and height are %g and %g", v[2], v[3])
	}
	if bad != "" {
		s.in.field(name, "is no box of x, y, width and height (%s)", bad)
		return nil, nil
	}
	return (*Box)(v), nil
}

// segmentation reads a list of polygons, or an object with an RLE; null and [] stand
// for none. A single list of numbers is one polygon. Polygons that are none are passed
// over, and a list of them alone is no mask.
func (s *scanner) segmentation(name string) (m Segmentation, err error) {
	if is, err := s.null(); is {
		return m, err
	}
	switch s.space() {
	case '{':
		return s.rle(name)
	case '[':
	default:
		s.in.field(name, "is neither a list of polygons nor an RLE")
		return m, s.skip()
	}
	var flat []float64
	keep := func(place string, p []float64, bad string) {
		if bad == "" {
			bad = badPolygon(p)
		}
		if bad != "" {
			s.in.field(place, "is no polygon (%s)", bad)
			return
		}
		m.Polygons = append(m.Polygons, p)
	}
	flatBad := ""
	err = s.array(func(i int) error {
		if s.space() == '[' {
			p, bad, err := s.reals()
			if err == nil {
				keep(fmt.Sprintf("%s[%d]", name, i), p, bad)
			}
			return err
		}
		v, ok, err := s.real()
		if flat = append(flat, v); !ok && flatBad == "" {
			flatBad = fmt.Sprintf("entry %d is neither a list nor a number", i)
		}
		return err
	})
	if err == nil && flat != nil {
		keep(name, flat, flatBad)
	}
	return m, err
}

// badPolygon says why a list of numbers is no polygon, "" if it is one.
func badPolygon(p []float64) string {
	if len(p) < 6 || len(p)%2 != 0 {
		return fmt.Sprintf("it has %d numbers, want an even number of at least 6, 3 points", len(p))
	}
	for _, v := range p {
		if math.Abs(v) > maxCoordinate {
			return fmt.Sprintf("a coordinate is %g, want at most %g", v, float64(maxCoordinate))
		}
	}
	return ""
}

// rle reads {"size": [height, width], "counts": …} with counts as a list of numbers
// or as a compressed string, in any order.
func (s *scanner) rle(name string) (Segmentation, error) {
	var size []float64
	var counts []uint32
	var compressed *string
	bad := ""
	err := s.object([]string{"size", "counts"}, func(field string) (err error) {
		why := ""
		switch c := s.space(); {
		case c == '[' && field == "size":
			size, why, err = s.reals()
		case c == '[':
			counts, why, err = s.counts()
		case c == '"' && field == "counts":
			var text string
			text, err = s.str()
			compressed = &text
		default:
			why = "is no list"
			err = s.skip()
		}
		if why != "" && bad == "" {
			bad = field + ": " + why
		}
		return err
	})
	if err != nil {
		return Segmentation{}, err
	}
	if bad == "" {
		bad = badSize(size)
	}
	if bad == "" && counts == nil && compressed == nil {
		bad = "counts: there are none"
	}
	var m RLE
	if bad == "" {
		var e error
		if compressed != nil {
			m, e = ParseCompressed(int(size[0]), int(size[1]), *compressed)
		} else {
			m, e = FromCounts(int(size[0]), int(size[1]), counts)
		}
		if e != nil {
			bad = what(e)
		}
	}
	if bad != "" {
		s.in.field(name, "is no RLE (%s)", bad)
		return Segmentation{}, nil
	}
	return Segmentation{RLE: &m}, nil
}

func badSize(size []float64) string {
	if len(size) != 2 {
		return fmt.Sprintf("size: has %d numbers, want height and width", len(size))
	}
	for _, v := range size {
		if v != math.Trunc(v) || v < 1 || v > maxPixels {
			return fmt.Sprintf("size: is %g, want whole numbers of at least 1", size)
		}
	}
	return ""
}

// counts reads a list of runs' lengths.
func (s *scanner) counts() (list []uint32, bad string, err error) {
	list = []uint32{}
	err = s.array(func(i int) error {
		v, ok, err := s.whole(maxPixels)
		if !ok && bad == "" {
			bad = fmt.Sprintf("run %d is no whole number of at least 0", i)
		}
		list = append(list, uint32(v))
		return err
	})
	return list, bad, err
}

package coco

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// Handler is told what a file holds, in the file's order. A nil function stands for
// entries that aren't wanted; what an error says ends the reading.
type Handler struct {
	Image      func(Image) error
	Annotation func(Annotation) error
	Category   func(Category) error
	Problem    func(Problem) // of what is passed over
}

// Scan reads an annotation file, or a list of results, entry by entry. Text that isn't
// JSON, or that has no annotations, is an error. A field that means nothing, and an entry
// without what it needs, are passed over and told to the handler: an annotation without
// the id of an image, or without a box and a mask, for one. What an entry has in common
// with others is [Read]'s business. ctx is looked at between entries.
func Scan(ctx context.Context, r io.Reader, h Handler) error {
	s := newScanner(ctx, r)
	s.skipBOM()
	var err error
	annotations := false
	switch s.space() {
	case '[':
		annotations = true
		err = s.array(func(i int) error { return s.entry("", i, h) })
	case '{':
		err = s.object([]string{"images", "annotations", "categories"}, func(name string) error {
			annotations = annotations || name == "annotations"
			return s.array(func(i int) error { return s.entry(name, i, h) })
		})
	default:
		err = s.wanted("an annotation file or a list of results")
	}
	if err == nil {
		err = s.end()
	}
	if err == nil && !annotations {
		err = malformed(`the object has no "annotations", want an annotation file or a list of results`)
	}
	return err
}

// entry reads one entry of a list, of results if it has no name.
func (s *scanner) entry(list string, i int, h Handler) (err error) {
	s.in = &entry{list: list, index: i, problem: func(place, format string, args ...any) {
		if h.Problem != nil {
			h.Problem(Problem{place, fmt.Sprintf(format, args...)})
		}
	}}
	defer func() { s.in = nil }()
	if s.space() != '{' {
		s.in.drop("is no object")
		return s.skip()
	}
	switch list {
	case "images":
		return readEntry(s, s.image, h.Image)
	case "categories":
		return readEntry(s, s.category, h.Category)
	}
	return readEntry(s, s.annotation, h.Annotation)
}

// readEntry hands an entry on that isn't dropped.
func readEntry[T any](s *scanner, read func() (T, error), yield func(T) error) error {
	if yield == nil {
		return s.skip()
	}
	v, err := read()
	if err != nil || s.in.dropped {
		return err
	}
	return yield(v)
}

// Read reads a whole annotation file, or a list of results, into memory.
func Read(ctx context.Context, r io.Reader) (*Dataset, error) {
	d := new(Dataset)
	err := Scan(ctx, r, Handler{
		Image:      func(m Image) error { d.Images = append(d.Images, m); return nil },
		Annotation: func(a Annotation) error { d.Annotations = append(d.Annotations, a); return nil },
		Category:   func(c Category) error { d.Categories = append(d.Categories, c); return nil },
		Problem:    func(p Problem) { d.Problems.Add(p.Place, "%s", p.What) },
	})
	if err != nil {
		return nil, err
	}
	if d.Images != nil {
		d.tidy()
	}
	if len(d.Annotations) == 0 && d.Problems.Count > 0 {
		return nil, malformed("no annotation is of use: %s", d.Problems.First[0])
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

func (s *scanner) image() (m Image, err error) {
	e := s.in
	var hasID, ok bool
	var names [2]string // as text, and what it is in bytes
	var size [2]int
	err = s.object([]string{"id", "file_name", "width", "height", "path_bytes"}, func(name string) (err error) {
		switch name {
		case "id":
			m.ID, hasID, err = s.id()
		case "width", "height":
			at := map[string]int{"height": 0, "width": 1}[name]
			if size[at], ok, err = s.whole(maxPixels); err == nil && (!ok || size[at] == 0) {
				e.field(name, "is no whole number of 1 to %d", maxPixels)
			}
		default:
			var text string
			if text, ok, err = s.value(); err == nil && !ok {
				e.field(name, "is no text")
			}
			at := map[string]int{"file_name": 0, "path_bytes": 1}[name]
			if names[at] = text; at == 1 && ok {
				b, bad := base64.StdEncoding.DecodeString(text)
				if names[1] = string(b); bad != nil {
					names[1] = ""
					e.field(name, "is no base64")
				}
			}
		}
		return err
	})
	if err != nil {
		return m, err
	}
	if !hasID {
		e.drop("has no id")
	}
	if m.FileName = names[0]; names[1] != "" {
		m.FileName = names[1]
	}
	if size[0] != 0 && size[1] != 0 {
		if bad := checkSize(size[0], size[1]); bad != nil {
			e.field("height", "%v", bad)
		} else {
			m.Height, m.Width = size[0], size[1]
		}
	}
	return m, nil
}

func (s *scanner) category() (c Category, err error) {
	hasID := false
	err = s.object([]string{"id", "name", "supercategory"}, func(name string) (err error) {
		switch name {
		case "id":
			c.ID, hasID, err = s.id()
		case "name":
			c.Name, _, err = s.value()
		case "supercategory":
			c.Supercategory, _, err = s.value()
		}
		return err
	})
	if err == nil && !hasID {
		s.in.drop("has no id")
	}
	return c, err
}

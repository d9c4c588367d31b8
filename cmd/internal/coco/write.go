package coco

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Form is how masks are written. Readers of COCO files know all three.
type Form int

// The forms of masks.
const (
	CompressedRLE   Form = iota // {"size": [H, W], "counts": "…"}, the usual one
	UncompressedRLE             // {"size": [H, W], "counts": [n, n, …]}, readable
	PolygonList                 // [[x0, y0, …], …], editable; see [Polygons] about holes
)

// ParseForm reads compressed, uncompressed or polygons.
func ParseForm(s string) (Form, error) {
	for f := CompressedRLE; f <= PolygonList; f++ {
		if s == f.String() {
			return f, nil
		}
	}
	return 0, fmt.Errorf("form of masks %q: want compressed, uncompressed or polygons", s)
}

func (f Form) String() string {
	return [...]string{"compressed", "uncompressed", "polygons"}[f]
}

// Info is what a file says about itself.
type Info struct {
	Description string `json:"description"`
	Version     string `json:"version"`
}

// Write writes an annotation file, one entry a line, in the order of the data set.
// Masks are checked against the sizes of their images. The same data set gives the
// same bytes: there is no date in it.
func (d *Dataset) Write(w io.Writer, info Info, form Form) error {
	if err := d.check(); err != nil {
		return err
	}
	sizes := d.sizes()
	out := newWriter(w)
	out.text("{\n\"info\": ")
	out.value(info)
	out.text(",\n\"licenses\": [],\n\"categories\": [")
	for i, c := range d.Categories {
		out.item(i, categoryJSON(c))
	}
	out.text("],\n\"images\": [")
	for i, m := range d.Images {
		if m.Width < 1 || m.Height < 1 {
			return at(fmt.Sprintf("images[%d]", i), malformed("is %d×%d, want a size of at least 1×1", m.Width, m.Height))
		}
		out.item(i, newImageJSON(m))
	}
	out.text("],\n\"annotations\": [")
	for i, a := range d.Annotations {
		j, err := newAnnotationJSON(a, sizes, form)
		if err != nil {
			return at(fmt.Sprintf("annotations[%d]", i), err)
		}
		crowd := 0
		if a.Crowd {
			crowd = 1
		}
		size := sizes[a.ImageID]
		j.ID, j.Crowd, j.Width, j.Height = &a.ID, &crowd, size[1], size[0]
		out.item(i, j)
	}
	out.text("]\n}\n")
	return out.flush()
}

// WriteResults writes the annotations as a list of results, which is what COCO's
// evaluation takes. It wants a score of each; without one it is 1.
func (d *Dataset) WriteResults(w io.Writer, form Form) error {
	sizes := d.sizes()
	out := newWriter(w)
	out.text("[")
	for i, a := range d.Annotations {
		if a.Score == nil {
			one := 1.0
			a.Score = &one
		}
		j, err := newAnnotationJSON(a, sizes, form)
		if err != nil {
			return at(fmt.Sprintf("[%d]", i), err)
		}
		j.Area = nil
		out.item(i, j)
	}
	out.text("]\n")
	return out.flush()
}

// sizes are the heights and widths of the images.
func (d *Dataset) sizes() map[int64][2]int {
	sizes := make(map[int64][2]int, len(d.Images))
	for _, m := range d.Images {
		sizes[m.ID] = [2]int{m.Height, m.Width}
	}
	return sizes
}

type categoryJSON struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	Supercategory string `json:"supercategory"`
}

type imageJSON struct {
	ID        int64  `json:"id"`
	FileName  string `json:"file_name"`
	PathBytes []byte `json:"path_bytes,omitempty"` // base64
	Width     int    `json:"width"`
	Height    int    `json:"height"`
}

// newImageJSON writes bytes of a name that aren't UTF-8 as \xNN, and then all of
// them in base64 beside it.
func newImageJSON(m Image) imageJSON {
	j := imageJSON{ID: m.ID, FileName: m.FileName, Width: m.Width, Height: m.Height}
	if utf8.ValidString(m.FileName) {
		return j
	}
	var b strings.Builder
	for i := 0; i < len(m.FileName); {
		r, n := utf8.DecodeRuneInString(m.FileName[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, m.FileName[i])
		} else {
			b.WriteString(m.FileName[i : i+n])
		}
		i += n
	}
	j.FileName, j.PathBytes = b.String(), []byte(m.FileName)
	return j
}

type annotationJSON struct {
	ID         *int64   `json:"id,omitempty"`
	ImageID    int64    `json:"image_id"`
	CategoryID int64    `json:"category_id"`
	Crowd      *int     `json:"iscrowd,omitempty"`
	Area       *float64 `json:"area,omitempty"`
	Box        *Box     `json:"bbox,omitempty"`
	Mask       any      `json:"segmentation,omitempty"`
	Width      int      `json:"width,omitempty"`
	Height     int      `json:"height,omitempty"`
	Score      *float64 `json:"score,omitempty"`
}

type rleJSON struct {
	Size   [2]int `json:"size"`
	Counts any    `json:"counts"`
}

func newAnnotationJSON(a Annotation, sizes map[int64][2]int, form Form) (annotationJSON, error) {
	j := annotationJSON{ImageID: a.ImageID, CategoryID: a.CategoryID, Area: a.Area, Box: a.Box, Score: a.Score}
	if a.Mask.Empty() {
		return j, nil
	}
	size, ok := sizes[a.ImageID]
	if !ok && a.Mask.RLE != nil {
		size = [2]int{a.Mask.RLE.Height, a.Mask.RLE.Width}
	}
	m, err := a.Mask.At(size[0], size[1])
	if err != nil {
		return j, at("segmentation", err)
	}
	switch {
	case form == PolygonList && a.Mask.Polygons != nil:
		j.Mask = a.Mask.Polygons
	case form == PolygonList:
		if p := Polygons(m); p != nil {
			j.Mask = p
		}
	case form == UncompressedRLE:
		j.Mask = rleJSON{size, m.Counts}
	default:
		j.Mask = rleJSON{size, m.Compressed()}
	}
	return j, nil
}

// writer writes JSON; its error stays for flush.
type writer struct {
	w   *bufio.Writer
	buf bytes.Buffer
	enc *json.Encoder
	err error
}

func newWriter(w io.Writer) *writer {
	out := &writer{w: bufio.NewWriter(w)}
	out.enc = json.NewEncoder(&out.buf)
	out.enc.SetEscapeHTML(false) // '<' and '>' are in every other compressed string
	return out
}

func (out *writer) text(s string) {
	if out.err == nil {
		_, out.err = out.w.WriteString(s)
	}
}

func (out *writer) value(v any) {
	if out.err != nil {
		return
	}
	out.buf.Reset()
	if out.err = out.enc.Encode(v); out.err == nil {
		out.text(strings.TrimSuffix(out.buf.String(), "\n"))
	}
}

// item writes entry i of a list, on a line of its own.
func (out *writer) item(i int, v any) {
	if i > 0 {
		out.text(",")
	}
	out.text("\n")
	out.value(v)
}

func (out *writer) flush() error {
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

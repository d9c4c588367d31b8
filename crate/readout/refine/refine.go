// Package refine brings masks to the size of their image, redraws them along the
// image's colours, fills and splits them.
package refine

import (
	"fmt"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/crf"
	"github.com/crate-vk/crate-vk/crate/readout/guided"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Method redraws masks along the colours of their image.
type Method string

// The methods.
const (
	None   Method = "none"
	Guided Method = "guided" // guided filter at the size of the image: fast (numerics 4.9)
	CRF    Method = "crf"    // dense CRF at the size of the model's input, published parameters (numerics 4.8)
)

// Parse reads none, guided or crf.
func Parse(s string) (Method, error) {
	switch m := Method(s); m {
	case None, Guided, CRF:
		return m, nil
	}
	return "", fmt.Errorf("refine %q: want none, guided or crf", s)
}

// NeedsPicture reports that New looks at the image itself.
func (m Method) NeedsPicture() bool { return m == Guided }

// Refiner redraws the masks of one image.
type Refiner struct {
	how   Method
	frame readout.Frame
	guide *guided.Guide
	field *crf.Field
}

// New is the refiner of an image. Guided looks at the image, CRF at the model's input:
// what a method doesn't look at may be nil.
func New(how Method, frame readout.Frame, image, input *picture.RGB) *Refiner {
	r := &Refiner{how: how, frame: frame}
	switch how {
	case Guided:
		r.guide = guided.New(image, frame, guided.Options{})
	case CRF:
		r.field = crf.New(input, crf.Published())
	}
	return r
}

// Of is New for an image of which the model's input is not at hand: where it is
// needed the image is resized once more.
func Of(how Method, frame readout.Frame, image *picture.RGB) *Refiner {
	if how != CRF {
		return New(how, frame, image, nil)
	}
	small := picture.Resize(image, frame.Width, frame.Height, picture.Lanczos)
	return New(how, frame, image, small.TopLeft(frame.TrimmedWidth(), frame.TrimmedHeight()))
}

// Field is the dense CRF of the method CRF, else nil.
func (r *Refiner) Field() *crf.Field { return r.field }

// Mask brings a mask of rows × columns cells over the model's input, patches or
// pixels, to the size of the image, redrawn.
func (r *Refiner) Mask(cells []bool, rows, columns int) *readout.Mask {
	switch r.how {
	case Guided:
		return r.guide.Mask(cells, rows, columns)
	case CRF:
		pixels := cells
		if columns != r.frame.TrimmedWidth() {
			pixels = readout.Enlarge(cells, columns, r.frame.Patch)
		}
		return r.frame.ToImage(r.field.Refine(pixels), r.frame.TrimmedHeight(), r.frame.TrimmedWidth())
	}
	return r.frame.ToImage(cells, rows, columns)
}

// Finish says what becomes of a mask once it is found. The zero value leaves it
// alone.
type Finish struct {
	Refine    Method // "" is None
	FillHoles bool
	Split     bool // each connected part becomes an object of its own
	Least     int  // parts of fewer pixels are dropped when splitting; 0 means 1
}

// Check reports a refinement that there is not, and a size that none can have.
func (f Finish) Check() error {
	if f.Least < 0 {
		return fmt.Errorf("parts of at least %d pixels are asked for, want 1 or more, or 0 for all", f.Least)
	}
	if f.Refine == "" {
		return nil
	}
	_, err := Parse(string(f.Refine))
	return err
}

// Masks fills and splits a mask as the options say.
func (f Finish) Masks(m *readout.Mask) []*readout.Mask {
	if f.FillHoles {
		m = m.Fill()
	}
	if f.Split {
		return m.Split(max(f.Least, 1))
	}
	return []*readout.Mask{m}
}

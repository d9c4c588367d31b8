package engine

import (
	"fmt"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/crf"
	"github.com/crate-vk/crate-vk/crate/readout/guided"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Refine redraws masks along the colours of their image.
type Refine string

// The refinements.
const (
	RefineNone   Refine = "none"
	RefineGuided Refine = "guided" // guided filter at the size of the image: fast
	RefineCRF    Refine = "crf"    // dense CRF at the size of the model's input, published parameters
)

// ParseRefine reads none, guided or crf.
func ParseRefine(s string) (Refine, error) {
	switch r := Refine(s); r {
	case RefineNone, RefineGuided, RefineCRF:
		return r, nil
	}
	return "", fmt.Errorf("refine %q: want none, guided or crf", s)
}

// refiner redraws the masks of one image.
type refiner struct {
	how   Refine
	frame readout.Frame
	guide *guided.Guide
	field *crf.Field
}

func newRefiner(how Refine, p *prepared) *refiner {
	r := &refiner{how: how, frame: p.frame}
	switch how {
	case RefineGuided:
		r.guide = guided.New(p.picture, p.frame, guided.Options{})
	case RefineCRF:
		r.field = crf.New(p.inputPicture(), crf.Published())
	}
	return r
}

// inputPicture is the model's input before it was normalised.
func (p *prepared) inputPicture() *picture.RGB {
	return &picture.RGB{Width: p.frame.TrimmedWidth(), Height: p.frame.TrimmedHeight(), Pix: p.pixels}
}

// toImage brings a mask of rows × columns cells over the model's input to the
// size of the image, redrawn.
func (r *refiner) toImage(cells []bool, rows, columns int) *readout.Mask {
	switch r.how {
	case RefineGuided:
		return r.guide.Mask(cells, rows, columns)
	case RefineCRF:
		pixels := cells
		if columns != r.frame.TrimmedWidth() {
			pixels = readout.Enlarge(cells, columns, r.frame.Patch)
		}
		return r.frame.ToImage(r.field.Refine(pixels), r.frame.TrimmedHeight(), r.frame.TrimmedWidth())
	}
	return r.frame.ToImage(cells, rows, columns)
}

// MaskRefiner brings masks of cells to the size of an image, refined.
type MaskRefiner struct {
	how   Refine
	frame readout.Frame
}

// MaskTool is a refiner for images of a frame.
func MaskTool(how Refine, f readout.Frame) MaskRefiner { return MaskRefiner{how, f} }

// NeedsPicture reports that Mask looks at the image.
func (r MaskRefiner) NeedsPicture() bool { return r.how == RefineGuided || r.how == RefineCRF }

// Mask brings a mask of rows × columns cells over the model's input to the size
// of the image, which may be nil where it is not needed.
func (r MaskRefiner) Mask(img *picture.RGB, cells []bool, rows, columns int) *readout.Mask {
	p := &prepared{picture: img, frame: r.frame}
	if r.how == RefineCRF {
		small := picture.Resize(img, r.frame.Width, r.frame.Height, picture.Lanczos)
		p.pixels = trim(small, r.frame.TrimmedWidth(), r.frame.TrimmedHeight())
	}
	return newRefiner(r.how, p).toImage(cells, rows, columns)
}

// Masks fills and splits a mask as the options say.
func (f Finish) Masks(m *readout.Mask) []*readout.Mask { return f.masks(m) }

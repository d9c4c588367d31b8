package engine

import (
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Finish says what becomes of a mask once it is found: Refine redraws it; FillHoles
// fills it; Split makes an object of each connected part, of at least Least pixels.
// The zero value leaves it alone.
type Finish = refine.Finish

// Refine redraws masks along the colours of their image. "" leaves them alone.
type Refine = refine.Method

// The refinements.
const (
	RefineGuided = refine.Guided // guided filter at the size of the image: fast
	RefineCRF    = refine.CRF    // dense CRF at the size of the model's input, published parameters
)

// refiner redraws the masks of one image.
func (p *prepared) refiner(how Refine) *refine.Refiner {
	return refine.New(how, p.frame, p.picture, &picture.RGB{Width: p.frame.TrimmedWidth(), Height: p.frame.TrimmedHeight(), Pix: p.pixels})
}

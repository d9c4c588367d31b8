package engine

import (
	"cmp"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// maxObjects bounds MaskCut's objects. Each is a cut of its own, and the paper takes 3.
const maxObjects = 1000

// MaskCutOptions are the choices of MaskCut (numerics 4.4). The zero value is the
// published ones, at the model's native size.
type MaskCutOptions struct {
	InputOptions
	Finish
	Layer   *int     // whose keys are compared, −1 is the last; nil: the last
	Inputs  bool     // compare the layer's input tokens instead, as CRATE-α's authors do
	Tau     *float64 // patches are alike whose cosine exceeds it; nil: 0.15
	Objects int      // at most so many; 0: 3
	// Strict ends the search at the first cut that yields no new object. The
	// reference goes on.
	Strict bool
}

// Resolved are the options with the published ones in the place of what is zero. It
// reports the first that makes no sense for the model.
func (o MaskCutOptions) Resolved(c *crate.Config) (MaskCutOptions, error) {
	o.InputOptions = o.InputOptions.over(picture.Lanczos)
	o.Layer, o.Tau = new(value(o.Layer, -1)), new(value(o.Tau, maskcut.Tau))
	o.Objects = cmp.Or(o.Objects, maskcut.PublishedObjects)
	err := cmp.Or(o.InputOptions.check(c), o.Finish.Check())
	if o.Objects < 1 || o.Objects > maxObjects {
		err = cmp.Or(err, fmt.Errorf("%d objects asked for, want 1 to %d", o.Objects, maxObjects))
	}
	_, layer := c.Layer(*o.Layer)
	return o, cmp.Or(err, layer, checkTau(*o.Tau))
}

// MaskCut finds up to o.Objects objects in each image. The device computes which
// patches are alike; the cuts, whose comparisons are exact decisions, follow on
// the host's cores while the next batch computes.
func MaskCut(o MaskCutOptions) Readout[*Segmentation] {
	return Readout[*Segmentation]{input: o.InputOptions.over(picture.Lanczos), bind: func(c *crate.Config) (*reading[*Segmentation], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		return cutReading(c, o, maskcut.Options{Objects: o.Objects, Strict: o.Strict})
	}}
}

// TokenCutOptions are the choices of TokenCut (numerics 4.5). The zero value is the
// published ones, at the model's native size.
type TokenCutOptions struct {
	InputOptions
	Finish
	Layer  *int     // whose keys are compared, −1 is the last; nil: the last
	Inputs bool     // compare the layer's input tokens instead
	Tau    *float64 // patches are alike whose cosine exceeds it; nil: 0.2
}

// Resolved are the options with the published ones in the place of what is zero. It
// reports the first that makes no sense for the model.
func (o TokenCutOptions) Resolved(c *crate.Config) (TokenCutOptions, error) {
	o.Tau = new(value(o.Tau, maskcut.TauTokenCut))
	cut, err := o.maskCut().Resolved(c)
	return TokenCutOptions{cut.InputOptions, cut.Finish, cut.Layer, cut.Inputs, cut.Tau}, err
}

// maskCut are the options that MaskCut has, too.
func (o TokenCutOptions) maskCut() MaskCutOptions {
	return MaskCutOptions{InputOptions: o.InputOptions, Finish: o.Finish, Layer: o.Layer, Inputs: o.Inputs, Tau: o.Tau}
}

// TokenCut finds one object in each image, without MaskCut's rule of corners.
func TokenCut(o TokenCutOptions) Readout[*Segmentation] {
	return Readout[*Segmentation]{input: o.InputOptions.over(picture.Lanczos), bind: func(c *crate.Config) (*reading[*Segmentation], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		return cutReading(c, o.maskCut(), maskcut.Options{TokenCut: true, Objects: 1})
	}}
}

func checkTau(tau float64) error {
	if !(tau >= 0 && tau < 1) {
		return fmt.Errorf("tau is %g, want a cosine of at least 0 and below 1", tau)
	}
	return nil
}

// cutReading cuts the patches of a model as resolved options say.
func cutReading(c *crate.Config, o MaskCutOptions, how maskcut.Options) (*reading[*Segmentation], error) {
	layer, err := c.Layer(*o.Layer)
	if err != nil {
		return nil, err
	}
	kind := "affinity"
	if o.Inputs {
		kind = "affinity_input"
	}
	output := fmt.Sprintf("%s.%d", kind, layer)
	// The mean is there to be looked at: bits can't be other than finite.
	r := &reading[*Segmentation]{outputs: []string{output, fmt.Sprintf("%s_mean.%d", kind, layer)}, tau: *o.Tau, picture: o.Refine.NeedsPicture()}
	r.finish = func(p *prepared, tensors map[string]*Tensor) (*Segmentation, error) {
		bits := tensors[output].Data
		words := make([]uint32, len(bits))
		for i, x := range bits {
			words[i] = math.Float32bits(x)
		}
		a, err := maskcut.FromWords(p.frame.Rows*p.frame.Columns, words)
		if err != nil {
			return nil, err
		}
		return cutObjects(p, a, how, o.Finish)
	}
	return r, nil
}

// cutObjects finds the objects of an image and brings them to its size.
func cutObjects(p *prepared, a *maskcut.Affinity, how maskcut.Options, f Finish) (*Segmentation, error) {
	objects, err := a.Objects(p.frame.Rows, p.frame.Columns, how)
	if err != nil {
		return nil, err
	}
	s := &Segmentation{Frame: p.frame}
	if f.Refine == RefineGuided {
		r := p.refiner(RefineGuided)
		for _, obj := range objects {
			for _, mask := range f.Masks(r.Mask(obj.Cells, p.frame.Rows, p.frame.Columns)) {
				if mask.Area() > 0 {
					s.Objects = append(s.Objects, Object{Mask: mask, Score: obj.Score})
				}
			}
		}
		return s, nil
	}
	finish := maskcut.Finish{FillHoles: f.FillHoles, Split: f.Split, Least: f.Least}
	if f.Refine == RefineCRF {
		finish.Refine = p.refiner(RefineCRF).Field().Refine
	}
	for _, in := range maskcut.Instances(p.frame, objects, finish) {
		s.Objects = append(s.Objects, Object{Mask: in.Mask, Score: in.Score})
	}
	return s, nil
}

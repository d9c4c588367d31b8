package engine

import (
	"cmp"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// MaskCutOptions are the choices of MaskCut (numerics 4.4) and TokenCut (numerics 4.5).
type MaskCutOptions struct {
	InputOptions
	maskcut.Options
	Finish
	Layer  int     // whose keys are compared; −1 is the last
	Inputs bool    // compare the layer's input tokens instead, as CRATE-α's authors do
	Tau    float64 // patches are alike whose cosine exceeds it
}

// DefaultMaskCutOptions are the published ones, at the model's native size: the last
// layer, τ = 0.15, at most three objects, Lanczos, no refinement.
func DefaultMaskCutOptions() MaskCutOptions {
	return MaskCutOptions{InputOptions: InputOptions{Filter: picture.Lanczos}, Options: maskcut.Options{Objects: 3}, Layer: -1, Tau: maskcut.Tau}
}

// MaskCut finds up to o.Objects objects in each image. The device computes which
// patches are alike; the cuts, whose comparisons are exact decisions, follow on
// the host's cores while the next batch computes.
func MaskCut(o MaskCutOptions) Readout[*Segmentation] {
	return Readout[*Segmentation]{input: o.InputOptions, bind: func(c *crate.Config) (*reading[*Segmentation], error) {
		output, err := o.output(c)
		if err = cmp.Or(err, o.Finish.check()); err != nil {
			return nil, err
		}
		r := &reading[*Segmentation]{outputs: []string{output}, tau: o.Tau, picture: o.Refine == RefineGuided}
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
			return cutObjects(p, a, o)
		}
		return r, nil
	}}
}

// DefaultTokenCutOptions are the published ones of TokenCut: those of MaskCut, with
// its own τ of 0.2.
func DefaultTokenCutOptions() MaskCutOptions {
	o := DefaultMaskCutOptions()
	o.TokenCut, o.Tau = true, maskcut.TauTokenCut
	return o
}

// TokenCut finds one object in each image, without MaskCut's rule of corners.
func TokenCut(o MaskCutOptions) Readout[*Segmentation] {
	o.TokenCut = true
	return MaskCut(o)
}

// output checks the options and names the tensor that they read.
func (o MaskCutOptions) output(c *crate.Config) (string, error) {
	layer, err := c.Layer(o.Layer)
	if err != nil {
		return "", err
	}
	if o.Objects < 1 {
		return "", fmt.Errorf("%d objects asked for, want at least 1", o.Objects)
	}
	if !(o.Tau >= 0 && o.Tau < 1) {
		return "", fmt.Errorf("tau is %g, want a cosine of at least 0 and below 1", o.Tau)
	}
	if o.Inputs {
		return fmt.Sprintf("affinity_input.%d", layer), nil
	}
	return fmt.Sprintf("affinity.%d", layer), nil
}

// cutObjects finds the objects of an image and brings them to its size.
func cutObjects(p *prepared, a *maskcut.Affinity, o MaskCutOptions) (*Segmentation, error) {
	objects, err := a.Objects(p.frame.Rows, p.frame.Columns, o.Options)
	if err != nil {
		return nil, err
	}
	s := &Segmentation{}
	if o.Refine == RefineGuided {
		r := newRefiner(RefineGuided, p)
		for _, obj := range objects {
			for _, mask := range o.Finish.masks(r.toImage(obj.Cells, p.frame.Rows, p.frame.Columns)) {
				if mask.Area() > 0 {
					s.Objects = append(s.Objects, Object{Mask: mask, Head: readout.HeadMeanOf, Score: obj.Score})
				}
			}
		}
		return s, nil
	}
	finish := maskcut.Finish{FillHoles: o.FillHoles, Split: o.Split, Least: o.Least}
	if o.Refine == RefineCRF {
		finish.Refine = newRefiner(RefineCRF, p).field.Refine
	}
	for _, in := range maskcut.Instances(p.frame, objects, finish) {
		s.Objects = append(s.Objects, Object{Mask: in.Mask, Head: readout.HeadMeanOf, Score: in.Score})
	}
	return s, nil
}

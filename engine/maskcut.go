package engine

import (
	"context"
	"fmt"
	"iter"
	"math"

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

// MaskCutOptions are the published ones, at the model's native size: the last
// layer, τ = 0.15, at most three objects, Lanczos, no refinement.
func (m *Model) MaskCutOptions() MaskCutOptions {
	return MaskCutOptions{InputOptions: InputOptions{Filter: picture.Lanczos}, Options: maskcut.Options{Objects: 3}, Layer: -1, Tau: maskcut.Tau}
}

// CheckMaskCut reports the first option that makes no sense for the model.
func (m *Model) CheckMaskCut(o MaskCutOptions) error {
	if _, err := m.src.Config.Layer(o.Layer); err != nil {
		return err
	}
	if o.Objects < 1 {
		return fmt.Errorf("%d objects asked for, want at least 1", o.Objects)
	}
	if !(o.Tau >= 0 && o.Tau < 1) {
		return fmt.Errorf("tau is %g, want a cosine of at least 0 and below 1", o.Tau)
	}
	return nil
}

// MaskCutOutputs are the tensors that the options read, for Check.
func (m *Model) MaskCutOutputs(o MaskCutOptions) []string {
	layer, err := m.src.Config.Layer(o.Layer)
	if err != nil {
		return nil
	}
	if o.Inputs {
		return []string{fmt.Sprintf("affinity_input.%d", layer)}
	}
	return []string{fmt.Sprintf("affinity.%d", layer)}
}

// MaskCutStream finds up to o.Objects objects in each image as they come. The
// device computes which patches are alike; the cuts, whose comparisons are
// exact decisions, follow on the host's cores while the next batch computes.
func (m *Model) MaskCutStream(ctx context.Context, inputs iter.Seq[Input], o MaskCutOptions) iter.Seq2[Item[*Segmentation], error] {
	if err := m.CheckMaskCut(o); err != nil {
		return func(yield func(Item[*Segmentation], error) bool) { yield(Item[*Segmentation]{}, err) }
	}
	outputs := m.MaskCutOutputs(o)
	j := &job[*Segmentation]{m: m, opt: o.InputOptions, outputs: outputs, tau: o.Tau}
	j.opt.KeepPicture = o.KeepPicture || o.Refine == RefineGuided
	j.finish = func(p *prepared, tensors map[string]*Tensor) (*Segmentation, error) {
		bits := tensors[outputs[0]].Data
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
	return j.run(ctx, inputs)
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

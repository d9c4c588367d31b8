package engine

import (
	"context"
	"fmt"
	"image"
	"iter"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// FeatureOptions are the choices of Features.
type FeatureOptions struct {
	InputOptions
	Layers []int      // −1 is the last; nil: all
	Facets []string   // some of readout.AllFacets; nil: all that the model has, but for reconstruction
	Mask   crate.Mask // of reconstruction
}

// Features are the tensors of one image, by name: tokens.embed, tokens.L [n d],
// key.L [n h·p], attention.L [h n n], cls_attention.L [h n], logits [K],
// features [n d], reconstruction [N 3·P²] and, beside it, mask [N]: 1 for each
// patch that was hidden.
type Features map[string]*Tensor

// DefaultFacets are the model's facets but for reconstruction, which is another
// pass over a masked image.
func DefaultFacets(c *crate.Config) []string {
	return slices.DeleteFunc(c.Facets(), func(f string) bool { return f == "reconstruction" })
}

// checkFeatures resolves layers and facets. Facets that the model does not
// have are left out and returned; it is an error when none is left.
func (m *Model) checkFeatures(o *FeatureOptions) (missing []string, err error) {
	c := &m.src.Config
	if o.Layers == nil {
		for l := range c.Depth {
			o.Layers = append(o.Layers, l)
		}
	}
	layers := make([]int, 0, len(o.Layers))
	for _, l := range o.Layers {
		l, err := c.Layer(l)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(layers, l) {
			layers = append(layers, l)
		}
	}
	slices.Sort(layers)
	o.Layers = layers
	if err := o.Mask.Check(); err != nil {
		return nil, err
	}
	if o.Facets == nil {
		o.Facets = DefaultFacets(c)
		return nil, nil
	}
	var have []string
	for _, f := range o.Facets {
		switch {
		case !slices.Contains(readout.AllFacets(), f):
			return nil, fmt.Errorf("facet %q: want some of %v", f, readout.AllFacets())
		case slices.Contains(c.Facets(), f):
			have = append(have, f)
		default:
			missing = append(missing, f)
		}
	}
	if have == nil {
		return missing, fmt.Errorf("this %s model has none of the facets %v: it has %v", c.Architecture, o.Facets, c.Facets())
	}
	o.Facets = have
	return missing, nil
}

// CheckFeatures resolves options against the model and names the facets that
// it does not have; an error means that nothing is left.
func (m *Model) CheckFeatures(o FeatureOptions) (missing []string, err error) {
	return m.checkFeatures(&o)
}

// FeaturesStream computes tensors of images as they come.
func (m *Model) FeaturesStream(ctx context.Context, inputs iter.Seq[Input], o FeatureOptions) iter.Seq2[Item[Features], error] {
	if _, err := m.checkFeatures(&o); err != nil {
		return func(yield func(Item[Features], error) bool) { yield(Item[Features]{}, err) }
	}
	facets := o.Facets
	// features goes with tokens and logits too (users' contract).
	if slices.Contains(facets, "tokens") || slices.Contains(facets, "logits") {
		facets = append(slices.Clone(facets), "features")
	}
	c := &m.src.Config
	j := &job[Features]{m: m, opt: o.InputOptions, outputs: c.FacetOutputs(facets, o.Layers), mask: o.Mask}
	j.finish = func(_ *prepared, tensors map[string]*Tensor) (Features, error) {
		if r := tensors["reconstruction"]; r != nil {
			tensors["mask"] = hidden(o.Mask, r.Shape[0].Size)
		}
		return tensors, nil
	}
	return j.run(ctx, inputs)
}

// hidden tells which of n patches a mask hides.
func hidden(m crate.Mask, n int) *Tensor {
	t := &Tensor{Shape: graph.Dims("N", n), Data: make([]float32, n)}
	for i, kept := range interp.Kept(n, m.Kept(n), m.Seed) {
		t.Data[i] = float32(1 - kept)
	}
	return t
}

// FeatureOption changes the options of Features.
type FeatureOption func(*FeatureOptions)

// FeatureOptions are the defaults: all layers and facets at the native size,
// reconstructions from a quarter of the patches, as in training.
func (m *Model) FeatureOptions() FeatureOptions {
	return FeatureOptions{InputOptions: InputOptions{Filter: picture.Bilinear}, Mask: crate.Mask{Ratio: 0.75}}
}

// Features computes tensors of one image.
func (m *Model) Features(ctx context.Context, img image.Image, opts ...FeatureOption) (Features, error) {
	o := m.FeatureOptions()
	o.Batch = 1
	for _, f := range opts {
		f(&o)
	}
	list, err := collect(m.FeaturesStream(ctx, Images([]image.Image{img}), o))
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

package engine

import (
	"context"
	"fmt"
	"image"
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

// resolved fills in the defaults and leaves out facets that the model does not
// have; it is an error when none is left.
func (o FeatureOptions) resolved(c *crate.Config) (FeatureOptions, error) {
	if o.Layers == nil {
		for l := range c.Depth {
			o.Layers = append(o.Layers, l)
		}
	}
	var err error
	if o.Layers, err = layersOf(c, o.Layers); err != nil {
		return o, err
	}
	if len(o.Layers) == 0 {
		return o, fmt.Errorf("no layer is chosen")
	}
	slices.Sort(o.Layers)
	if err := o.Mask.Check(); err != nil {
		return o, err
	}
	if o.Facets == nil {
		o.Facets = DefaultFacets(c)
		return o, nil
	}
	var have []string
	for _, f := range o.Facets {
		if !slices.Contains(readout.AllFacets(), f) {
			return o, fmt.Errorf("facet %q: want some of %v", f, readout.AllFacets())
		}
		if slices.Contains(c.Facets(), f) {
			have = append(have, f)
		}
	}
	if have == nil {
		return o, fmt.Errorf("this %s model has none of the facets %v: it has %v", c.Architecture, o.Facets, c.Facets())
	}
	o.Facets = have
	return o, nil
}

// Missing names the facets asked for that the model does not have: they are left
// out.
func (o FeatureOptions) Missing(c *crate.Config) []string {
	return slices.DeleteFunc(slices.Clone(o.Facets), func(f string) bool { return slices.Contains(c.Facets(), f) })
}

// FeaturesOf computes tensors.
func FeaturesOf(o FeatureOptions) Readout[Features] {
	return Readout[Features]{input: o.InputOptions, bind: func(c *crate.Config) (*reading[Features], error) {
		o, err := o.resolved(c)
		if err != nil {
			return nil, err
		}
		facets := o.Facets
		// features goes along with tokens and with logits.
		if slices.Contains(facets, "tokens") || slices.Contains(facets, "logits") {
			facets = append(slices.Clone(facets), "features")
		}
		return &reading[Features]{outputs: c.FacetOutputs(facets, o.Layers), mask: o.Mask, finish: func(_ *prepared, tensors map[string]*Tensor) (Features, error) {
			if r := tensors["reconstruction"]; r != nil {
				tensors["mask"] = hidden(o.Mask, r.Shape[0].Size)
			}
			return tensors, nil
		}}, nil
	}}
}

// Reconstruct runs the decoder of a CRATE-MAE on patches that a mask hides in
// part: reconstruction and mask of Features.
func Reconstruct(m crate.Mask, o InputOptions) Readout[Features] {
	return FeaturesOf(FeatureOptions{InputOptions: o, Facets: []string{"reconstruction"}, Mask: m})
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

// DefaultFeatureOptions are all layers and facets at the native size,
// reconstructions from a quarter of the patches, as in training.
func DefaultFeatureOptions() FeatureOptions {
	return FeatureOptions{InputOptions: InputOptions{Filter: picture.Bilinear}, Mask: crate.Mask{Ratio: 0.75}}
}

// Features computes tensors of one image.
func (m *Model) Features(ctx context.Context, img image.Image, opts ...FeatureOption) (Features, error) {
	o := DefaultFeatureOptions()
	for _, f := range opts {
		f(&o)
	}
	return FeaturesOf(o).One(ctx, m, img)
}

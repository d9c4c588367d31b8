package engine

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// FeatureOptions are the choices of FeaturesOf. The zero value is all layers, and all
// facets but embedding, which is made of the others' rows, and reconstruction, which is
// another pass over a masked image.
type FeatureOptions struct {
	InputOptions
	Layers []int         // −1 is the last; nil: all
	Facets []crate.Facet // some of readout.AllFacets; nil: as above, where the model has them
	// Single tensors by name instead of facets and layers: those of Features, and those
	// that crate/readout.Request makes of them (affinity.L at MaskCut's τ of 0.15,
	// affinity_input.L, gram.L, zeros.L).
	Tensors []string
	// Of reconstruction: the share of the patches that a mask hides, 0 … 1, and the
	// seed that chooses which, the same for every image. nil: 0.75, as in training.
	MaskRatio *float64
	MaskSeed  int
}

// ReconstructOptions are the choices of Reconstruct. The zero value hides three patches
// of four, as in training.
type ReconstructOptions struct {
	InputOptions
	MaskRatio *float64 // share of the patches that are hidden, 0 … 1; nil: 0.75
	MaskSeed  int      // chooses which, the same for every image
}

// trainedMask is the share of the patches that CRATE-MAE's training hides.
const trainedMask = 0.75

// Features are the tensors of one image, by name: tokens.embed, tokens.L [n d],
// key.L [n h·p], attention.L [h n n], cls_attention.L [h n], logits [K],
// features [n d], embedding.class [d], embedding.mean [d], reconstruction [N 3·P²] and, beside it, mask [N]: 1 for each
// patch that was hidden.
type Features map[string]*Tensor

// Resolved are the options with the defaults in the place of what is zero, without the
// facets that the model does not have; it is an error when none is left. It reports the
// first that makes no sense for the model.
func (o FeatureOptions) Resolved(c *crate.Config) (FeatureOptions, error) {
	o.InputOptions = o.InputOptions.over(filterOf(c))
	o.MaskRatio = new(value(o.MaskRatio, trainedMask))
	if err := cmp.Or(o.InputOptions.check(c), o.mask().Check()); err != nil {
		return o, err
	}
	if o.Tensors != nil {
		return o, o.checkTensors(c)
	}
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
	if o.Facets == nil {
		o.Facets = slices.DeleteFunc(c.Facets(), func(f crate.Facet) bool { return f == crate.FacetEmbedding || f == crate.FacetReconstruction })
		return o, nil
	}
	var have []crate.Facet
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

// outputs are the tensors that resolved options name.
func (o FeatureOptions) outputs(c *crate.Config) []string {
	if o.Tensors != nil {
		return o.Tensors
	}
	facets := o.Facets
	// features goes along with tokens and with logits.
	if slices.Contains(facets, crate.FacetTokens) || slices.Contains(facets, crate.FacetLogits) {
		facets = append(slices.Clone(facets), crate.FacetFeatures)
	}
	return c.FacetOutputs(facets, o.Layers)
}

// mask is that of resolved options.
func (o FeatureOptions) mask() crate.Mask { return crate.Mask{Ratio: *o.MaskRatio, Seed: o.MaskSeed} }

// FeaturesOf computes tensors: those of facets and layers, or single ones by name.
func FeaturesOf(o FeatureOptions) Readout[Features] {
	return Readout[Features]{input: o.InputOptions.over(picture.DefaultFilter), bind: func(c *crate.Config) (*reading[Features], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		return &reading[Features]{outputs: o.outputs(c), tau: maskcut.Tau, mask: o.mask(), finish: func(_ *prepared, tensors map[string]*Tensor) (Features, error) {
			if r := tensors["reconstruction"]; r != nil {
				tensors["mask"] = hidden(o.mask(), r.Shape[0].Size)
			}
			return tensors, nil
		}}, nil
	}}
}

// Reconstruct runs the decoder of a CRATE-MAE on patches that a mask hides in
// part: reconstruction and mask of Features.
func Reconstruct(o ReconstructOptions) Readout[Features] {
	return FeaturesOf(FeatureOptions{InputOptions: o.InputOptions, Facets: []crate.Facet{crate.FacetReconstruction}, MaskRatio: o.MaskRatio, MaskSeed: o.MaskSeed})
}

// hidden tells which of n patches a mask hides.
func hidden(m crate.Mask, n int) *Tensor {
	t := &Tensor{Shape: graph.Dims("N", n), Data: make([]float32, n)}
	for i, kept := range interp.Kept(n, m.Kept(n), m.Seed) {
		t.Data[i] = float32(1 - kept)
	}
	return t
}

// Features computes tensors of one image, without options those of the zero
// FeatureOptions.
func (m *Model) Features(ctx context.Context, img image.Image, o ...FeatureOptions) (Features, error) {
	opt, err := atMostOne(o)
	if err != nil {
		return nil, err
	}
	return FeaturesOf(opt).One(ctx, m, img)
}

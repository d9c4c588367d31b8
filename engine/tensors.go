package engine

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Run computes tensors of one image, at the model's native size, by the names of
// Features, crate.Build and crate/readout.Request: tokens.3 [n d], attention.2
// [h n n], logits [K]. The batch's axis is left out. Affinities are at MaskCut's τ; a
// reconstruction sees a quarter of the patches. FeaturesOf has other sizes and many
// images, Model.Compile outputs that stay on the device.
func (m *Model) Run(ctx context.Context, img image.Image, names ...string) (map[string]*Tensor, error) {
	return tensorsOf(names).One(ctx, m, img)
}

// tensorsOf reads tensors by name.
func tensorsOf(names []string) Readout[map[string]*Tensor] {
	return Readout[map[string]*Tensor]{input: InputOptions{Filter: picture.Bilinear}, bind: func(c *crate.Config) (*reading[map[string]*Tensor], error) {
		all := tensorNames(c)
		var once []string
		for _, name := range names {
			if !slices.Contains(all, name) {
				return nil, fmt.Errorf("the model has no tensor %q: it has %s", name, summary(all))
			}
			if !slices.Contains(once, name) {
				once = append(once, name)
			}
		}
		if once == nil {
			return nil, fmt.Errorf("no tensor is named: the model has %s", summary(all))
		}
		return &reading[map[string]*Tensor]{outputs: once, tau: maskcut.Tau, mask: crate.Mask{Ratio: 0.75},
			finish: func(_ *prepared, tensors map[string]*Tensor) (map[string]*Tensor, error) { return tensors, nil }}, nil
	}}
}

// tensorNames are the outputs that a request may name.
func tensorNames(c *crate.Config) []string {
	var layers []int
	for l := range c.Depth {
		layers = append(layers, l)
	}
	list := c.FacetOutputs(c.Facets(), layers)
	for _, kind := range []string{"affinity", "affinity_input", "gram", "zeros"} {
		for _, l := range layers {
			list = append(list, fmt.Sprintf("%s.%d", kind, l))
		}
	}
	return list
}

// summary names the tensors of all layers together: key.0 … 5.
func summary(names []string) string {
	var kinds []string
	last := map[string]string{}
	for _, name := range names {
		kind, layer, _ := strings.Cut(name, ".")
		if layer == "embed" {
			kind, layer = name, ""
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		last[kind] = layer
	}
	for i, kind := range kinds {
		if layer := last[kind]; layer != "" {
			kinds[i] = fmt.Sprintf("%s.0 … %s", kind, layer)
		}
	}
	return strings.Join(kinds, ", ")
}

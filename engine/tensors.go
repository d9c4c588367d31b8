package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
)

// Run computes tensors of one image, by name and at the model's native size: tokens.3
// [n d], attention.2 [h n n], logits [K], and the others of FeatureOptions.Tensors. The
// batch's axis is left out. FeaturesOf has other sizes and many images, Model.Compile
// outputs that stay on the device.
func (m *Model) Run(ctx context.Context, img image.Image, names ...string) (Features, error) {
	if names == nil {
		names = []string{}
	}
	return FeaturesOf(FeatureOptions{Tensors: names}).One(ctx, m, img)
}

// checkTensors reports a tensor that the model does not have.
func (o FeatureOptions) checkTensors(c *crate.Config) error {
	if o.Layers != nil || o.Facets != nil {
		return errors.New("tensors by name and facets or layers exclude each other")
	}
	have := tensorNames(c)
	if len(o.Tensors) == 0 {
		return fmt.Errorf("no tensor is named: this %s model has %s", c.Architecture, summary(have))
	}
	for i, name := range o.Tensors {
		if !slices.Contains(have, name) {
			return fmt.Errorf("tensor %q: this %s model has %s", name, c.Architecture, summary(have))
		}
		if slices.Contains(o.Tensors[:i], name) {
			return fmt.Errorf("tensor %q is named twice", name)
		}
	}
	return nil
}

// tensorNames are the outputs that a request may name.
func tensorNames(c *crate.Config) []string {
	list := c.Outputs()
	for _, kind := range []string{"affinity", "affinity_input", "gram", "zeros"} {
		for l := range c.Depth {
			list = append(list, fmt.Sprintf("%s.%d", kind, l))
		}
	}
	return list
}

// summary names the tensors of all layers together: key.0 … 5.
func summary(names []string) string {
	var kinds []string
	last := map[string]int{}
	for _, name := range names {
		kind, number, _ := strings.Cut(name, ".")
		layer, err := strconv.Atoi(number)
		if err != nil {
			kind, layer = name, -1
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		last[kind] = layer
	}
	for i, kind := range kinds {
		if last[kind] >= 0 {
			kinds[i] = fmt.Sprintf("%s.0 … %d", kind, last[kind])
		}
	}
	return strings.Join(kinds, ", ")
}

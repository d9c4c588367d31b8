package readout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
)

// AllFacets lists the facets that some model has.
func AllFacets() []crate.Facet {
	return []crate.Facet{crate.FacetTokens, crate.FacetKey, crate.FacetAttention, crate.FacetClassAttention, crate.FacetLogits, crate.FacetFeatures, crate.FacetEmbedding, crate.FacetReconstruction}
}

// Outputs are the outputs that a --readout names: logits, tokens (the last
// layer's), attention@L (class rows), keys@L.
func Outputs(c *crate.Config, readout string) ([]string, error) {
	kind, layer, at := strings.Cut(readout, "@")
	switch {
	case readout == "logits" && slices.Contains(c.Facets(), crate.FacetLogits):
		return []string{"logits"}, nil
	case readout == "tokens":
		return []string{fmt.Sprintf("tokens.%d", c.Depth-1)}, nil
	case at && (kind == "attention" || kind == "keys"):
		var l int
		if _, err := fmt.Sscanf(layer, "%d", &l); err != nil {
			return nil, fmt.Errorf("readout %q: %q is no layer", readout, layer)
		}
		l, err := c.Layer(l)
		if err != nil {
			return nil, fmt.Errorf("readout %q: %w", readout, err)
		}
		return []string{fmt.Sprintf("%s.%d", map[string]string{"attention": "cls_attention", "keys": "key"}[kind], l)}, nil
	}
	return nil, fmt.Errorf("readout %q: want logits (of a model with a head), tokens, attention@LAYER or keys@LAYER", readout)
}

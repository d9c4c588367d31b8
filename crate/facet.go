package crate

import (
	"fmt"
	"slices"
)

// Facet is a kind of tensors that can be read off a model.
type Facet string

// The facets. The attention of the class token, which FacetClassAttention is, says
// where the token looks; the vector that it ends as is its embedding.
const (
	FacetTokens         Facet = "tokens"         // tokens.embed and tokens.L: each layer's output
	FacetKey            Facet = "key"            // key.L: the shared projection, a ViT's keys
	FacetAttention      Facet = "attention"      // attention.L: the maps of every token, after the softmax
	FacetClassAttention Facet = "cls"            // cls_attention.L: the class token's row of the maps
	FacetLogits         Facet = "logits"         // logits
	FacetFeatures       Facet = "features"       // features: every token after the last norm (ViT, MAE)
	FacetEmbedding      Facet = "embedding"      // embedding.class and embedding.mean: one vector an image
	FacetReconstruction Facet = "reconstruction" // reconstruction: by CRATE-MAE's decoder, through a mask
)

// The embeddings of an image among the outputs.
const (
	EmbeddingClass = "embedding.class"
	EmbeddingMean  = "embedding.mean"
)

// Facets lists the kinds of tensors that the model has.
func (c *Config) Facets() []Facet {
	f := []Facet{FacetTokens, FacetKey, FacetAttention, FacetClassAttention}
	if c.LogitCount() > 0 {
		f = append(f, FacetLogits)
	}
	if c.family().features {
		f = append(f, FacetFeatures)
	}
	f = append(f, FacetEmbedding)
	if c.DecoderDepth > 0 {
		f = append(f, FacetReconstruction)
	}
	return f
}

// Outputs lists the tensors that the model has, by the names of Build.
func (c *Config) Outputs() []string {
	layers := make([]int, c.Depth)
	for l := range layers {
		layers[l] = l
	}
	return c.FacetOutputs(c.Facets(), layers)
}

// FacetOutputs turns facets and layers into output names, in a fixed order.
// FacetTokens gives tokens.embed, too. Facets that the model does not have give none.
func (c *Config) FacetOutputs(facets []Facet, layers []int) []string {
	var out []string
	if slices.Contains(facets, FacetTokens) {
		out = append(out, "tokens.embed")
	}
	for _, l := range layers {
		for _, f := range []struct {
			facet  Facet
			tensor string
		}{{FacetKey, "key"}, {FacetAttention, "attention"}, {FacetClassAttention, "cls_attention"}, {FacetTokens, "tokens"}} {
			if slices.Contains(facets, f.facet) {
				out = append(out, fmt.Sprintf("%s.%d", f.tensor, l))
			}
		}
	}
	if slices.Contains(facets, FacetEmbedding) {
		out = append(out, EmbeddingClass, EmbeddingMean)
	}
	for _, f := range []Facet{FacetFeatures, FacetLogits, FacetReconstruction} {
		if slices.Contains(facets, f) && slices.Contains(c.Facets(), f) {
			out = append(out, string(f))
		}
	}
	return out
}

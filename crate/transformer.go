package crate

import (
	"strconv"

	"github.com/crate-vk/crate-vk/graph"
)

// What CRATE and CRATE-α have in common, whose published code is written after
// vit-pytorch's ViT (numerics 1.1, 1.3).
const (
	transformerPositions = "pos_embedding"
	transformerLayers    = "transformer.layers."
	mlpHeadNorm          = "mlp_head.0"
	mlpHeadLinear        = "mlp_head.1"
)

// transformerAt is the name before the tensors of layer l.
func transformerAt(l int) string { return transformerLayers + strconv.Itoa(l) }

func transformerFirst() []string { return []string{transformerPositions, classToken} }

// transformerShapes fills in all but the patch side.
func transformerShapes(k *Checkpoint, c *Config) {
	c.Depth = k.layers(transformerLayers)
	c.Classes = k.dim(mlpHeadLinear+weight, 0)
	layerShapes(k, c, transformerAt(0))
}

func transformerEmbed(b *builder, x *graph.Value) *graph.Value {
	return b.embed(x, transformerPositions, classToken)
}

func transformerLayer(b *builder, l int, x *graph.Value) *graph.Value {
	return b.crateLayer(l, x, transformerAt(l))
}

// mlpHead records embeddings and logits. The head begins with a norm of its own: none
// stands behind the layers.
func mlpHead(b *builder, x *graph.Value) {
	c := b.c
	b.embedding(x)
	if c.Classes == 0 {
		return
	}
	f := b.layerNorm(b.pool(x), mlpHeadNorm, c.Dim, c.FinalEps)
	logits := b.linear(f, mlpHeadLinear, c.Classes, c.Dim, true)
	if c.ExtraHead > 0 {
		// How the demo checkpoints' second head was joined in training is
		// not established (numerics 1.2): this composition is unverified.
		logits = b.linear(logits, headLinear, c.ExtraHead, c.Classes, true)
	}
	b.values["logits"] = logits
}

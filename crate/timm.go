package crate

import (
	"strconv"

	"github.com/crate-vk/crate-vk/graph"
)

// What ViT and CRATE-MAE have in common, whose published code is written after
// timm's ViT (numerics 1.4, 1.5).
const (
	timmPatches   = "patch_embed.proj"
	timmPositions = "pos_embed"
	timmBlocks    = "blocks."
	timmNorm      = "norm"
)

// timmAt is the name before the tensors of block l.
func timmAt(l int) string { return timmBlocks + strconv.Itoa(l) }

func timmShapes(k *Checkpoint, c *Config) {
	c.Depth = k.layers(timmBlocks)
	c.Patch = k.dim(timmPatches+weight, -1)
	c.Classes = k.dim(headLinear+weight, 0)
}

func timmProjection(b *builder) *graph.Value { return b.convolve(timmPatches) }

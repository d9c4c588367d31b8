package crate

import "github.com/crate-vk/crate-vk/graph"

// CRATE is the white-box transformer (Yu et al., NeurIPS 2023 and CPAL 2024),
// with its ablations towards a ViT.
const CRATE Architecture = "crate"

// The patch projection: a linear between two norms.
const (
	crateFlatNorm  = "to_patch_embedding.1" // of the flat patch
	crateProject   = "to_patch_embedding.2"
	crateTokenNorm = "to_patch_embedding.3"
)

func crateFamily() family {
	return family{
		name: CRATE, title: "CRATE", presets: cratePresets,
		detect: crateDetect, shapes: crateShapes, heads: crateHeads, positions: transformerPositions, first: transformerFirst(),
		ablations: true, byClasses: true,
		square: squareDictionary, project: crateProjection, embed: transformerEmbed, layer: transformerLayer, finish: mlpHead, readLayer: -2,
	}
}

// cratePresets: "CRATE-S" is 576 wide in the first paper and 384 in the
// emergence paper (numerics 1.2); the names keep them apart.
func cratePresets() []preset {
	return []preset{
		{"crate-t16", 384, 6, 12, 16, 1000, 0, "CRATE-T/16, NeurIPS 2023"},
		{"crate-s16", 576, 12, 12, 16, 1000, 0, "CRATE-S/16, NeurIPS 2023"},
		{"crate-b16", 768, 12, 12, 16, 1000, 0, "CRATE-B/16, NeurIPS 2023"},
		{"crate-l16", 1024, 16, 24, 16, 1000, 0, "CRATE-L/16, NeurIPS 2023"},
		{"emergence-t8", 192, 3, 12, 8, 21842, 0, "CRATE-T/8 of the emergence paper, ImageNet-21k"},
		{"emergence-s8", 384, 6, 12, 8, 21842, 0, "CRATE-S/8 of the emergence paper, ImageNet-21k"},
		{"emergence-b8", 768, 12, 12, 8, 21842, 0, "CRATE-B/8 of the emergence paper, ImageNet-21k"},
		{"emergence-b8-768", 768, 12, 12, 8, 768, 0, "CRATE-B/8 with a projection head 768 → 768"},
		{"demo-b8", 768, 6, 12, 8, 768, 21842, "the emergence demo's B/8: 6 heads of 128"},
	}
}

func crateDetect(k *Checkpoint) bool {
	attention, _ := halves(transformerAt(0))
	return k.has(crateProject+weight) && (k.has(attention+sharedQKV+weight) || k.has(attention+separateQKV+weight))
}

func crateShapes(k *Checkpoint, c *Config) error {
	transformerShapes(k, c)
	c.Patch = squareRoot(k.dim(crateProject+weight, -1) / 3)
	if c.Classes > 0 && k.dim(headLinear+weight, 1) == c.Classes { // a probe beside the head is none behind it
		c.ExtraHead = k.dim(headLinear+weight, 0)
	}
	return nil
}

// crateHeads knows the emergence demo, whose heads are twice as wide as others'.
func crateHeads(c *Config) int {
	if c.Dim == 768 && c.Classes == 768 && c.ExtraHead > 0 {
		return 6
	}
	return 0
}

func crateProjection(b *builder) *graph.Value {
	d, d0 := b.c.Dim, 3*b.c.Patch*b.c.Patch
	x := b.layerNorm(b.patches(), crateFlatNorm, d0, 1e-5)
	x = b.linear(x, crateProject, d, d0, true)
	return b.layerNorm(x, crateTokenNorm, d, 1e-5)
}

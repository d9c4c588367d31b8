package crate

import "github.com/crate-vk/crate-vk/graph"

// Alpha is CRATE-α: CRATE with an overcomplete dictionary, decoded, and a
// residual around it (numerics 1.3).
const Alpha Architecture = "crate-alpha"

const alphaConvolution = "conv1"

func alphaFamily() family {
	return family{
		name: Alpha, title: "CRATE-α", presets: alphaPresets,
		detect: alphaDetect, shapes: alphaShapes, positions: transformerPositions, first: transformerFirst(),
		defaults: func(c *Config) {
			c.Block, c.LNEps, c.OutBias, c.ResidualFF, c.Decoupled = BlockODL, 1e-6, false, true, true
		},
		scale:  func(c *Config) { c.Hidden = 4 * c.Dim },
		square: dictionary, project: alphaProjection, embed: transformerEmbed, layer: transformerLayer, finish: mlpHead, readLayer: -2,
	}
}

func alphaPresets() []preset {
	return []preset{
		{"alpha-b32", 768, 12, 12, 32, 1000, 0, "CRATE-α-B/32"},
		{"alpha-b16", 768, 12, 12, 16, 1000, 0, "CRATE-α-B/16"},
		{"alpha-b8", 768, 12, 12, 8, 1000, 0, "CRATE-α-B/8"},
		{"alpha-l32", 1024, 16, 24, 32, 1000, 0, "CRATE-α-L/32"},
		{"alpha-l14", 1024, 16, 24, 14, 1000, 0, "CRATE-α-L/14"},
		{"alpha-l8", 1024, 16, 24, 8, 1000, 0, "CRATE-α-L/8"},
		{"alpha-h14", 1280, 16, 32, 14, 1000, 0, "CRATE-α-H/14"},
	}
}

func alphaDetect(k *Checkpoint) bool {
	_, block := halves(transformerAt(0))
	return k.has(alphaConvolution+weight) && k.has(block+dictionary)
}

func alphaShapes(k *Checkpoint, c *Config) error {
	transformerShapes(k, c)
	c.Patch = k.dim(alphaConvolution+weight, -1)
	_, block := halves(transformerAt(0))
	switch {
	case c.Block == BlockMLP:
	case k.dim(block+dictionary, 1) != c.Dim || k.has(block+decoderDictionary):
		c.Hidden = k.dim(block+dictionary, 1)
		c.Decoupled = k.has(block + decoderDictionary)
	default: // the "vanilla" variant: CRATE's block, its dictionary named D
		c.Block, c.ResidualFF = BlockISTA, false
	}
	return nil
}

func alphaProjection(b *builder) *graph.Value { return b.convolve(alphaConvolution) }

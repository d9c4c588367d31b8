package crate

import (
	"fmt"
	"slices"
	"strings"
)

// preset is one published geometry (numerics 1.2 – 1.6).
type preset struct {
	name       string
	arch       Architecture
	dim, heads int
	depth      int
	patch      int
	classes    int
	extra      int // rows of the demo checkpoints' second head
	about      string
}

// The published geometries. "CRATE-S" is 576 wide in the first paper and 384
// in the emergence paper (numerics 1.2): the names here keep them apart.
func presets() []preset {
	return []preset{
		{"crate-t16", CRATE, 384, 6, 12, 16, 1000, 0, "CRATE-T/16, NeurIPS 2023"},
		{"crate-s16", CRATE, 576, 12, 12, 16, 1000, 0, "CRATE-S/16, NeurIPS 2023"},
		{"crate-b16", CRATE, 768, 12, 12, 16, 1000, 0, "CRATE-B/16, NeurIPS 2023"},
		{"crate-l16", CRATE, 1024, 16, 24, 16, 1000, 0, "CRATE-L/16, NeurIPS 2023"},
		{"emergence-t8", CRATE, 192, 3, 12, 8, 21842, 0, "CRATE-T/8 of the emergence paper, ImageNet-21k"},
		{"emergence-s8", CRATE, 384, 6, 12, 8, 21842, 0, "CRATE-S/8 of the emergence paper, ImageNet-21k"},
		{"emergence-b8", CRATE, 768, 12, 12, 8, 21842, 0, "CRATE-B/8 of the emergence paper, ImageNet-21k"},
		{"emergence-b8-768", CRATE, 768, 12, 12, 8, 768, 0, "CRATE-B/8 with a projection head 768 → 768"},
		{"demo-b8", CRATE, 768, 6, 12, 8, 768, 21842, "the emergence demo's B/8: 6 heads of 128"},
		{"alpha-b32", Alpha, 768, 12, 12, 32, 1000, 0, "CRATE-α-B/32"},
		{"alpha-b16", Alpha, 768, 12, 12, 16, 1000, 0, "CRATE-α-B/16"},
		{"alpha-b8", Alpha, 768, 12, 12, 8, 1000, 0, "CRATE-α-B/8"},
		{"alpha-l32", Alpha, 1024, 16, 24, 32, 1000, 0, "CRATE-α-L/32"},
		{"alpha-l14", Alpha, 1024, 16, 24, 14, 1000, 0, "CRATE-α-L/14"},
		{"alpha-l8", Alpha, 1024, 16, 24, 8, 1000, 0, "CRATE-α-L/8"},
		{"alpha-h14", Alpha, 1280, 16, 32, 14, 1000, 0, "CRATE-α-H/14"},
		{"mae-t16", MAE, 384, 6, 12, 16, 0, 0, "CRATE-MAE-T/16"},
		{"mae-s16", MAE, 576, 12, 12, 16, 0, 0, "CRATE-MAE-S/16"},
		{"mae-b16", MAE, 768, 12, 12, 16, 0, 0, "CRATE-MAE-B/16"},
		{"mae-l16", MAE, 1024, 16, 24, 16, 0, 0, "CRATE-MAE-L/16"},
		{"vit-s16", ViT, 384, 6, 12, 16, 0, 0, "ViT-S/16 as DINO released it"},
		{"vit-s8", ViT, 384, 6, 12, 8, 0, 0, "ViT-S/8 as DINO released it"},
		{"vit-b16", ViT, 768, 12, 12, 16, 0, 0, "ViT-B/16 as DINO released it"},
		{"vit-b8", ViT, 768, 12, 12, 8, 0, 0, "ViT-B/8 as DINO released it"},
	}
}

// Presets lists the names that Preset knows, with one line about each.
func Presets() (names, about []string) {
	for _, p := range presets() {
		names, about = append(names, p.name), append(about, p.about)
	}
	return names, about
}

// Preset is the published geometry of that name, at 224×224 px.
func Preset(name string) (Config, error) {
	all := presets()
	i := slices.IndexFunc(all, func(p preset) bool { return p.name == name })
	if i < 0 {
		names, _ := Presets()
		return Config{}, fmt.Errorf("no preset %q: there are %s", name, strings.Join(names, " "))
	}
	p := all[i]
	c := familyDefaults(p.arch)
	c.ImageSize = [2]int{224, 224}
	c.Patch, c.Dim, c.Depth, c.Heads, c.Inner = p.patch, p.dim, p.depth, p.heads, p.dim
	c.Classes, c.ExtraHead = p.classes, p.extra
	switch p.arch {
	case Alpha, ViT:
		c.Hidden = 4 * p.dim
	case MAE:
		c.DecoderDepth = p.depth
	}
	return c, c.Check()
}

// KnownName is the published model that a configuration is the geometry of, ""
// if none.
func KnownName(c *Config) string {
	for _, p := range presets() {
		if p.arch == c.Architecture && p.dim == c.Dim && p.heads == c.Heads && p.depth == c.Depth && p.patch == c.Patch &&
			(p.classes == c.Classes || c.Architecture != CRATE) && c.Attention == familyDefaults(p.arch).Attention && c.Block == familyDefaults(p.arch).Block {
			return p.about
		}
	}
	return ""
}

// familyDefaults are the settings that a family's published code fixes: ε,
// step and threshold, residuals, biases (numerics 1.1 – 1.6, 10).
func familyDefaults(a Architecture) Config {
	c := Config{Architecture: a, Attention: AttentionMSSA, Block: BlockISTA, Prefix: 1, Eta: 0.1, Lambda: 0.1,
		LNEps: 1e-5, FinalEps: 1e-5, Pool: PoolClass, OutProjection: true, OutBias: true}
	c.Mean, c.Std = imageNet()
	switch a {
	case Alpha:
		c.Block, c.LNEps, c.OutBias, c.ResidualFF, c.Decoupled = BlockODL, 1e-6, false, true, true
	case MAE:
		c.FinalEps = 1e-6
	case ViT:
		c.Attention, c.Block, c.LNEps, c.FinalEps, c.ResidualFF = AttentionMHSA, BlockMLP, 1e-6, 1e-6, true
	}
	return c
}

// defaultHeads guesses the head count from the width (numerics 1.7). It is never
// used without a warning.
func defaultHeads(c *Config) int {
	if c.Dim == 768 && c.Classes == 768 && c.ExtraHead > 0 {
		return 6 // the emergence demo
	}
	switch c.Inner {
	case 192:
		return 3
	case 384:
		return 6
	case 576, 768:
		return 12
	case 1024, 1280:
		return 16
	}
	for _, p := range []int{64, 32, 48, 16} {
		if c.Inner%p == 0 {
			return c.Inner / p
		}
	}
	return 1
}

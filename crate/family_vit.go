package crate

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// ViT is the plain vision transformer in timm's names, as DINO and DeiT
// released it.
const ViT Architecture = "vit"

// What timm's ViT has beside what CRATE-MAE has, too.
const (
	vitDistToken = "dist_token" // DeiT's
	vitDistHead  = "head_dist"
	vitPooled    = "fc_norm" // the norm where it stands behind the pooling

	// Below a block.
	vitNorm1 = ".norm1"
	vitQKV   = ".attn.qkv"
	vitOut   = ".attn.proj"
	vitNorm2 = ".norm2"
	vitFirst = ".mlp.fc1"
	vitLast  = ".mlp.fc2"
)

func vitFamily() family {
	return family{
		name: ViT, title: "ViT", presets: vitPresets,
		detect: vitDetect, shapes: vitShapes, positions: timmPositions, first: []string{classToken, vitDistToken, timmPositions},
		defaults: func(c *Config) {
			c.Attention, c.Block, c.LNEps, c.FinalEps, c.ResidualFF = AttentionMHSA, BlockMLP, 1e-6, 1e-6, true
		},
		scale: func(c *Config) { c.Hidden = 4 * c.Dim }, oneEps: true,
		project: timmProjection, embed: vitEmbed, layer: vitLayer, finish: vitFinish, features: true, patches: true, readLayer: -1,
	}
}

func vitPresets() []preset {
	return []preset{
		{"vit-s16", 384, 6, 12, 16, 0, 0, "ViT-S/16 as DINO released it"},
		{"vit-s8", 384, 6, 12, 8, 0, 0, "ViT-S/8 as DINO released it"},
		{"vit-b16", 768, 12, 12, 16, 0, 0, "ViT-B/16 as DINO released it"},
		{"vit-b8", 768, 12, 12, 8, 0, 0, "ViT-B/8 as DINO released it"},
	}
}

func vitDetect(k *Checkpoint) bool { return k.has(timmAt(0) + vitQKV + weight) }

func vitShapes(k *Checkpoint, c *Config) error {
	timmShapes(k, c)
	c.Inner = k.dim(timmAt(0)+vitQKV+weight, 0) / 3
	c.Hidden = k.dim(timmAt(0)+vitFirst+weight, 0)
	if c.FCNorm = k.has(vitPooled + weight); c.FCNorm {
		c.Pool = PoolMean
	}
	if k.has(vitDistToken) {
		c.Prefix = 2
	}
	return vitForeign(k)
}

// vitForeign refuses ViTs with parts between the tensors that we know: left
// out like other extra tensors, they would change every result in silence.
func vitForeign(k *Checkpoint) error {
	for _, part := range []struct{ tensor, what string }{
		{timmAt(0) + ".ls1.gamma", "LayerScale"}, {timmAt(0) + ".gamma_1", "LayerScale"}, {timmAt(0) + ".attn.q_norm" + weight, "norms of queries and keys"},
		{timmAt(0) + ".attn.relative_position_bias_table", "relative positions"}, {"norm_pre" + weight, "a norm before the first layer"},
		{"reg_token", "register tokens"}, {"register_tokens", "register tokens"}, {"pre_logits.fc" + weight, "a layer before the head"},
	} {
		if k.has(part.tensor) {
			return &ModelError{What: fmt.Sprintf("the ViT has %s (%s), which is not supported", part.what, k.stored[part.tensor])}
		}
	}
	return nil
}

func vitEmbed(b *builder, x *graph.Value) *graph.Value {
	prefix := []string{classToken}
	if b.c.Prefix > 1 {
		prefix = append(prefix, vitDistToken)
	}
	return b.embed(x, timmPositions, prefix...)
}

// vitLayer is X' = X + MHSA(LN(X)), X⁺ = X' + MLP(LN(X')).
func vitLayer(b *builder, l int, x *graph.Value) *graph.Value {
	c, at := b.c, timmAt(l)
	y := b.layerNorm(x, at+vitNorm1, c.Dim, c.LNEps)
	o := b.separateAttention(l, y, at+vitQKV, true)
	x = b.Do(graph.OpAdd, nil, b.linear(o, at+vitOut, c.Dim, c.Inner, true), x)
	y = b.layerNorm(x, at+vitNorm2, c.Dim, c.LNEps)
	return b.Do(graph.OpAdd, nil, b.mlp(y, at+vitFirst, at+vitLast), x)
}

func vitFinish(b *builder, x *graph.Value) {
	c, norm := b.c, timmNorm
	if c.FCNorm {
		norm = vitPooled
	}
	f := b.layerNorm(x, norm, c.Dim, c.FinalEps)
	b.values["features"] = f
	b.embedding(f)
	if c.FCNorm && b.values[EmbeddingMean] != nil { // the norm is made for the mean
		mean := b.Do(graph.OpMeanRows, graph.Attrs{"first": c.Prefix}, x)
		b.values[EmbeddingMean] = b.layerNorm(mean, norm, c.Dim, c.FinalEps)
	}
	if c.Classes == 0 {
		return
	}
	pooled := b.pool(f)
	if c.FCNorm { // the head's norm is of the pooled row, not of its tokens
		pooled = b.layerNorm(b.pool(x), norm, c.Dim, c.FinalEps)
	}
	logits := b.linear(pooled, headLinear, c.Classes, c.Dim, true)
	switch {
	case c.Prefix > 1 && c.Pool == PoolMean: // the second head is in the file, and a mean leaves it out
		b.declareLinear(vitDistHead, c.Classes, c.Dim, true)
	case c.Prefix > 1: // distilled: the mean of both heads (DeiT)
		dist := b.linear(b.Do(graph.OpSelect, graph.Attrs{"row": 1}, f), vitDistHead, c.Classes, c.Dim, true)
		logits = b.Do(graph.OpScale, graph.Attrs{"by": 0.5}, b.Do(graph.OpAdd, nil, logits, dist))
	}
	b.values["logits"] = logits
}

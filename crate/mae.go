package crate

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// Mask hides patches from CRATE-MAE's encoder before a reconstruction. The zero
// Mask hides none. A mask depends on seed, ratio and the number of patches: it
// is the same for every image.
type Mask struct {
	Ratio float64 // share of the patches that are hidden; in training 0.75
	Seed  int
}

// Kept is how many of n patches a mask leaves, rounded as in the published
// training.
func (m Mask) Kept(n int) int { return int(float64(n) * (1 - m.Ratio)) }

// Check reports a ratio that is none.
func (m Mask) Check() error {
	if !(m.Ratio >= 0 && m.Ratio <= 1) {
		return fmt.Errorf("mask ratio is %g, want 0 … 1", m.Ratio)
	}
	return nil
}

// reconstruct is the training forward of the autoencoder (numerics 1.4): unlike a
// ViT's, the encoder runs on all tokens, mask tokens in the place of what is
// hidden, and its output goes to the decoder without decoder_embed.
func (b *builder) reconstruct() *graph.Value {
	c := b.c
	if err := b.r.Mask.Check(); err != nil {
		b.Fail(err)
		return nil
	}
	x := b.values["features"]
	if b.r.Mask.Ratio > 0 {
		b.masked = true
		x = b.embed()
		for l := range c.Depth {
			x = b.layer(l, x)
		}
		x = b.layerNorm(x, "norm", c.Dim, c.FinalEps)
	}
	b.masked = true // the decoder's maps are not the model's
	for l := range c.DecoderDepth {
		x = b.decoderLayer(fmt.Sprintf("decoder_blocks.%d.layers.0", l), x)
	}
	b.masked = false
	x = b.layerNorm(x, "decoder_norm", c.Dim, c.FinalEps)
	x = b.Do(graph.OpDropRows, graph.Attrs{"first": c.Prefix}, x)
	return b.linear(x, "decoder_pred", 3*c.Patch*c.Patch, c.Dim, true)
}

// mask puts the mask token in the place of the patches that are hidden:
//
//	x∘m + (1 − m)·t,  m 1 where a patch is kept
//
// Both factors are tables, as a mask does not depend on the image.
func (b *builder) mask(x *graph.Value) *graph.Value {
	n, d := b.r.Height/b.c.Patch*(b.r.Width/b.c.Patch), b.c.Dim
	column := graph.F32Type("N", n, "K", 1)
	kept := b.Source(graph.OpKept, column, graph.Attrs{"count": b.r.Mask.Kept(n), "seed": b.r.Mask.Seed})
	ones := b.Source(graph.OpFill, graph.F32Type("K", 1, "C", d), graph.Attrs{"value": 1.0})
	hidden := b.Do(graph.OpSub, nil, b.Source(graph.OpFill, column, graph.Attrs{"value": 1.0}), kept)
	x = b.Do(graph.OpMul, nil, x, b.Do(graph.OpMatMul, nil, kept, ones))
	return b.Do(graph.OpAdd, nil, x, b.Do(graph.OpMatMul, nil, hidden, b.param("mask_token", "K", 1, "C", d)))
}

// decoderLayer is G = LN(X)·Wᵀ, X⁺ = G − MSSA(LN(G)): in the file the linear
// stands first and the attention second, the other way round than in the
// encoder; there is no ReLU, no step, and the sign is minus.
func (b *builder) decoderLayer(at string, x *graph.Value) *graph.Value {
	c := b.c
	g := b.linear(b.layerNorm(x, at+".0.norm", c.Dim, c.LNEps), at+".0.fn", c.Dim, c.Dim, false)
	y := b.layerNorm(g, at+".1.norm", c.Dim, c.LNEps)
	o := b.sharedAttention(0, y, at+".1.fn.qkv")
	return b.Do(graph.OpSub, nil, g, b.outProjection(o, at+".1"))
}

// maeTensors lists the encoder, which is what read-outs need, a decoder where
// there is one, and the head of a fine-tuned encoder.
func (c *Config) maeTensors() []Tensor {
	var l tensorList
	l.add(roleTable, "cls_token", 1, 1, c.Dim)
	l.add(roleLinear, "patch_embed.proj.weight", c.Dim, 3, c.Patch, c.Patch)
	l.add(roleBias, "patch_embed.proj.bias", c.Dim)
	if c.FineTuned {
		l.add(roleTable, "pos_embed", 1, c.tokens(), c.Dim)
	}
	l.add(roleTable, "decoder_pos_embed", 1, c.tokens(), c.Dim)
	for i := range c.Depth {
		at := fmt.Sprintf("blocks.%d.layers.0", i)
		c.crateLayer(&l, at+".0", at+".1")
	}
	l.norm("norm", c.Dim)
	if c.Classes > 0 {
		l.linear("head", c.Classes, c.Dim, true)
	}
	if c.DecoderDepth == 0 {
		return l
	}
	l.add(roleTable, "mask_token", 1, 1, c.Dim)
	for i := range c.DecoderDepth {
		at := fmt.Sprintf("decoder_blocks.%d.layers.0", i)
		l.norm(at+".0.norm", c.Dim)
		l.linear(at+".0.fn", c.Dim, c.Dim, false)
		l.norm(at+".1.norm", c.Dim)
		l.linear(at+".1.fn.qkv", c.Inner, c.Dim, false)
		if c.OutProjection {
			l.linear(at+".1.fn.to_out.0", c.Dim, c.Inner, c.OutBias)
		}
	}
	l.norm("decoder_norm", c.Dim)
	l.linear("decoder_pred", 3*c.Patch*c.Patch, c.Dim, true)
	return l
}

// idle are the parameters that the published autoencoder stores and never uses:
// the encoder's own position table, and the linear between encoder and decoder.
func (c *Config) idle() int {
	if c.DecoderDepth == 0 {
		return 0
	}
	return c.tokens()*c.Dim + c.Dim*c.Dim + c.Dim
}

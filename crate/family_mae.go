package crate

import (
	"strconv"

	"github.com/crate-vk/crate-vk/graph"
)

// MAE is CRATE-MAE: CRATE's layers in the names of timm's ViT, trained as a
// masked autoencoder (numerics 1.4).
const MAE Architecture = "crate-mae"

// What the autoencoder has beside what timm's ViT has, too.
const (
	maeLayer     = ".layers.0" // below a block
	maePositions = "decoder_pos_embed"
	maeMaskToken = "mask_token"
	maeDecoder   = "decoder_blocks."
	maeLastNorm  = "decoder_norm"
	maePixels    = "decoder_pred"
)

func maeAt(l int) string        { return timmAt(l) + maeLayer }
func maeDecoderAt(l int) string { return maeDecoder + strconv.Itoa(l) + maeLayer }

// maeFamily takes the grid from the decoder's position table: it is the one
// that the published encoder adds (numerics 1.4).
func maeFamily() family {
	return family{
		name: MAE, title: "CRATE-MAE", presets: maePresets,
		detect: maeDetect, shapes: maeShapes, idle: maeIdle, positions: maePositions, first: []string{classToken},
		defaults: func(c *Config) { c.FinalEps = 1e-6 },
		scale:    func(c *Config) { c.DecoderDepth = c.Depth }, lambdas: "0.1, 0.5 or 5",
		square: squareDictionary, project: timmProjection, embed: maeEmbed, layer: maeEncoderLayer, finish: maeFinish, decode: maeDecode,
		features: true, patches: true, readLayer: -2,
	}
}

func maePresets() []preset {
	return []preset{
		{"mae-t16", 384, 6, 12, 16, 0, 0, "CRATE-MAE-T/16"},
		{"mae-s16", 576, 12, 12, 16, 0, 0, "CRATE-MAE-S/16"},
		{"mae-b16", 768, 12, 12, 16, 0, 0, "CRATE-MAE-B/16"},
		{"mae-l16", 1024, 16, 24, 16, 0, 0, "CRATE-MAE-L/16"},
	}
}

func maeDetect(k *Checkpoint) bool {
	attention, _ := halves(maeAt(0))
	return k.has(attention + sharedQKV + weight)
}

func maeShapes(k *Checkpoint, c *Config) error {
	timmShapes(k, c)
	c.FineTuned = c.Classes > 0
	if k.has(maePixels + weight) {
		c.DecoderDepth = k.layers(maeDecoder)
	}
	layerShapes(k, c, maeAt(0))
	return nil
}

// maeIdle are the parameters that the published autoencoder stores and never
// uses: the encoder's own position table, and the linear between encoder and
// decoder.
func maeIdle(c *Config) int {
	if c.DecoderDepth == 0 {
		return 0
	}
	return c.tokens()*c.Dim + c.Dim*c.Dim + c.Dim
}

// maeEmbed adds the decoder's positions. A fine-tuned encoder adds its own at
// its native size; its file has both.
func maeEmbed(b *builder, x *graph.Value) *graph.Value {
	table := maePositions
	if b.c.FineTuned {
		b.declarePositions(timmPositions)
		if b.native() {
			table = timmPositions
		}
	}
	b.declarePositions(maePositions)
	return b.embed(x, table, classToken)
}

func maeEncoderLayer(b *builder, l int, x *graph.Value) *graph.Value {
	return b.crateLayer(l, x, maeAt(l))
}

func maeFinish(b *builder, x *graph.Value) {
	c := b.c
	f := b.layerNorm(x, timmNorm, c.Dim, c.FinalEps)
	b.values["features"] = f
	b.embedding(f)
	if c.Classes > 0 {
		b.values["logits"] = b.linear(b.pool(f), headLinear, c.Classes, c.Dim, true)
	}
}

// maeDecode is the training forward of the autoencoder (numerics 1.4): unlike a
// ViT's, the encoder runs on all tokens, mask tokens in the place of what is
// hidden, and its output goes to the decoder without decoder_embed.
func maeDecode(b *builder) *graph.Value {
	c := b.c
	if err := b.r.Mask.Check(); err != nil {
		b.Fail(err)
		return nil
	}
	x := b.values["features"]
	if b.r.Mask.Ratio > 0 {
		b.masked = true
		x = maeEmbed(b, b.mask(b.tokens))
		for l := range c.Depth {
			x = maeEncoderLayer(b, l, x)
		}
		x = b.layerNorm(x, timmNorm, c.Dim, c.FinalEps)
	}
	b.masked = true // the decoder's maps are not the model's
	for l := range c.DecoderDepth {
		x = b.decoderLayer(maeDecoderAt(l), x)
	}
	b.masked = false
	x = b.layerNorm(x, maeLastNorm, c.Dim, c.FinalEps)
	x = b.Do(graph.OpDropRows, graph.Attrs{"first": c.Prefix}, x)
	return b.linear(x, maePixels, 3*c.Patch*c.Patch, c.Dim, true)
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
	return b.Do(graph.OpAdd, nil, x, b.Do(graph.OpMatMul, nil, hidden, b.table(maeMaskToken, "K", 1, "C", d)))
}

// decoderLayer is G = LN(X)·Wᵀ, X⁺ = G − MSSA(LN(G)): in the file the linear
// stands first and the attention second, the other way round than in the
// encoder; there is no ReLU, no step, and the sign is minus.
func (b *builder) decoderLayer(at string, x *graph.Value) *graph.Value {
	c := b.c
	first, second := halves(at)
	g := b.linear(b.layerNorm(x, first+halfNorm, c.Dim, c.LNEps), first+blockLinear, c.Dim, c.Dim, false)
	y := b.layerNorm(g, second+halfNorm, c.Dim, c.LNEps)
	o := b.sharedAttention(0, y, second+sharedQKV)
	return b.Do(graph.OpSub, nil, g, b.outProjection(o, second))
}

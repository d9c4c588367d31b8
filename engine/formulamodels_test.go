package engine

import (
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
)

const formulaClasses = 7

func (f *formula) layerName(l int) string { return fmt.Sprintf("transformer.layers.%d", l) }

// shared is MSSA with its output projection; a layer below 0 shows nothing.
func (f *formula) shared(l int, y rows, at string, bias bool) rows {
	w := linear(y, f.w(at+".fn.qkv.weight", f.inner, f.dim), f.inner, nil)
	return f.project(l, w, w, w, at, bias)
}

// separate is MHSA of q, k and v stacked in one weight.
func (f *formula) separate(l int, y rows, at string) rows {
	all := linear(y, f.w(at+".fn.to_qkv.weight", 3*f.inner, f.dim), 3*f.inner, nil)
	q, k, v := thirds(all)
	return f.project(l, q, k, v, at, true)
}

func thirds(x rows) (q, k, v rows) {
	n := len(x[0]) / 3
	for _, row := range x {
		q, k, v = append(q, row[:n]), append(k, row[n:2*n]), append(v, row[2*n:])
	}
	return q, k, v
}

func (f *formula) project(l int, q, k, v rows, at string, bias bool) rows {
	o, m := f.attend(q, k, v)
	f.readAttention(l, k, m)
	if f.heads == 1 && f.inner == f.dim {
		return o
	}
	var b []float64
	w := f.w(at+".fn.to_out.0.weight", f.dim, f.inner)
	if bias {
		b = f.w(at+".fn.to_out.0.bias", f.dim)
	}
	return linear(o, w, f.dim, b)
}

func (f *formula) readAttention(l int, k rows, maps []float64) {
	if l < 0 {
		return
	}
	f.read(fmt.Sprintf("key.%d", l), k)
	f.read(fmt.Sprintf("attention.%d", l), rows{maps})
	n, cls := len(k), []float64(nil)
	for h := range f.heads {
		cls = append(cls, maps[h*n*n:h*n*n+n]...)
	}
	f.read(fmt.Sprintf("cls_attention.%d", l), rows{cls})
}

// crateBlocks are the ways from LN(X') to the second half of a layer.
type crateBlock func(f *formula, z rows, at string) rows

func istaBlock(f *formula, z rows, at string) rows {
	return f.ista(z, f.w(at+".fn.weight", f.dim, f.dim), false)
}

func softBlock(f *formula, z rows, at string) rows {
	return f.ista(z, f.w(at+".fn.weight", f.dim, f.dim), true)
}

func mlpBlock(f *formula, z rows, at string) rows { return f.mlp(z, at+".fn.net.0", at+".fn.net.3") }

func vanillaBlock(f *formula, z rows, at string) rows {
	return f.ista(z, f.w(at+".fn.D", f.dim, f.dim), false)
}

func odlBlock(wide int, decoupled bool) crateBlock {
	return func(f *formula, z rows, at string) rows {
		d := f.w(at+".fn.D", f.dim, wide)
		d1 := d
		if decoupled {
			d1 = f.w(at+".fn.D1", f.dim, wide)
		}
		return f.odl(z, d, d1, wide)
	}
}

// crateLayers runs the layers: X' = X + MSSA(LN X), X⁺ = block(LN X'), with a
// residual of its own or without.
func (f *formula) crateLayers(x rows, eps float64, mhsa, outBias bool, block crateBlock, residual bool) rows {
	f.read("tokens.embed", x)
	for l := range f.depth {
		at := f.layerName(l)
		y := f.norm(x, at+".0.norm", eps)
		if mhsa {
			x = plus(x, f.separate(l, y, at+".0"))
		} else {
			x = plus(x, f.shared(l, y, at+".0", outBias))
		}
		z := block(f, f.norm(x, at+".1.norm", eps), at+".1")
		if residual {
			z = plus(z, x)
		}
		x = z
		f.read(fmt.Sprintf("tokens.%d", l), x)
	}
	f.readEmbedding(x, 1)
	return x
}

// readEmbedding records the vectors of an image whose patches stand behind prefix tokens.
func (f *formula) readEmbedding(x rows, prefix int) {
	f.read("embedding.class", x[:1])
	f.read("embedding.mean", mean(x[prefix:]))
}

func (f *formula) head(x rows, name string) rows {
	return linear(x, f.w(name+".weight", formulaClasses, f.dim), formulaClasses, f.w(name+".bias", formulaClasses))
}

func (f *formula) mlpHead(pooled rows) {
	f.read("logits", f.head(f.norm(pooled, "mlp_head.0", 1e-5), "mlp_head.1"))
}

// crateTokens is CRATE's embedding, with its two extra norms.
func (f *formula) crateTokens() rows {
	d0 := 3 * f.patch * f.patch
	x := f.norm(f.patches(false), "to_patch_embedding.1", 1e-5)
	x = linear(x, f.w("to_patch_embedding.2.weight", f.dim, d0), f.dim, f.w("to_patch_embedding.2.bias", f.dim))
	return f.embed(f.norm(x, "to_patch_embedding.3", 1e-5), "pos_embedding", "cls_token")
}

func crateFormula(mhsa bool, block crateBlock, residual bool) func(*formula) {
	return func(f *formula) { f.mlpHead(f.crateLayers(f.crateTokens(), 1e-5, mhsa, true, block, residual)[:1]) }
}

func alphaFormula(block crateBlock, residual bool) func(*formula) {
	return func(f *formula) {
		x := f.embed(f.convolve("conv1"), "pos_embedding", "cls_token")
		f.mlpHead(f.crateLayers(x, 1e-6, false, false, block, residual)[:1])
	}
}

// maeEncoder is the autoencoder's encoder on embedded tokens.
func (f *formula) maeEncoder(x rows, show bool) rows {
	for l := range f.depth {
		at, shown := fmt.Sprintf("blocks.%d.layers.0", l), l
		if !show {
			shown = -1
		}
		x = plus(x, f.shared(shown, f.norm(x, at+".0.norm", 1e-5), at+".0", true))
		x = istaBlock(f, f.norm(x, at+".1.norm", 1e-5), at+".1")
		if show {
			f.read(fmt.Sprintf("tokens.%d", l), x)
		}
	}
	return f.norm(x, "norm", 1e-6)
}

// maeFormula has a decoder of one layer, other than its encoder's depth.
func maeFormula(mask crate.Mask) func(*formula) {
	return func(f *formula) {
		patches := f.convolve("patch_embed.proj")
		x := f.embed(patches, "decoder_pos_embed", "cls_token")
		f.read("tokens.embed", x)
		y := f.maeEncoder(x, true)
		f.read("features", y)
		f.readEmbedding(y, 1)
		n := len(patches)
		kept := n - int(mask.Ratio*float64(n)+0.999999)
		x = f.maeEncoder(f.embed(f.hide(patches, kept, mask.Seed), "decoder_pos_embed", "cls_token"), false)
		const at = "decoder_blocks.0.layers.0"
		g := linear(f.norm(x, at+".0.norm", 1e-5), f.w(at+".0.fn.weight", f.dim, f.dim), f.dim, nil)
		o := f.shared(-1, f.norm(g, at+".1.norm", 1e-5), at+".1", true)
		x = f.norm(joined(g, o, func(g, o float64) float64 { return g - o }), "decoder_norm", 1e-6)
		d0 := 3 * f.patch * f.patch
		f.read("reconstruction", linear(x, f.w("decoder_pred.weight", d0, f.dim), d0, f.w("decoder_pred.bias", d0))[1:])
		f.w("mask_token", 1, 1, f.dim)
		f.w("pos_embed", 1, 1+f.native[0]*f.native[1], f.dim) // stored, not used
		f.w("decoder_embed.weight", f.dim, f.dim)
	}
}

// tunedFormula is the fine-tuned encoder, which adds its own table at the native
// grid and resamples the decoder's for others.
func tunedFormula(f *formula) {
	n := 1 + f.native[0]*f.native[1]
	f.w("pos_embed", 1, n, f.dim)
	f.w("decoder_pos_embed", 1, n, f.dim)
	table := "decoder_pos_embed"
	if f.grid == f.native {
		table = "pos_embed"
	}
	x := f.embed(f.convolve("patch_embed.proj"), table, "cls_token")
	f.read("tokens.embed", x)
	x = f.maeEncoder(x, true)
	f.read("features", x)
	f.readEmbedding(x, 1)
	f.read("logits", f.head(x[:1], "head"))
}

// vitFormula is a plain ViT in timm's names: a backbone, with a head on the
// class token, distilled, or with a pooled head behind fc_norm.
func vitFormula(kind string) func(*formula) {
	return func(f *formula) {
		prefix := []string{"cls_token"}
		if kind == "distilled" {
			prefix = append(prefix, "dist_token")
		}
		x := f.embed(f.convolve("patch_embed.proj"), "pos_embed", prefix...)
		f.read("tokens.embed", x)
		for l := range f.depth {
			at := fmt.Sprintf("blocks.%d", l)
			y := f.norm(x, at+".norm1", 1e-6)
			q, k, v := thirds(linear(y, f.w(at+".attn.qkv.weight", 3*f.inner, f.dim), 3*f.inner, f.w(at+".attn.qkv.bias", 3*f.inner)))
			o, m := f.attend(q, k, v)
			f.readAttention(l, k, m)
			x = plus(x, linear(o, f.w(at+".attn.proj.weight", f.dim, f.inner), f.dim, f.w(at+".attn.proj.bias", f.dim)))
			x = plus(x, f.mlp(f.norm(x, at+".norm2", 1e-6), at+".mlp.fc1", at+".mlp.fc2"))
			f.read(fmt.Sprintf("tokens.%d", l), x)
		}
		name := "norm"
		if kind == "pooled" {
			name = "fc_norm"
		}
		y := f.norm(x, name, 1e-6)
		f.read("features", y)
		f.readEmbedding(y, len(prefix))
		switch kind {
		case "head":
			f.read("logits", f.head(y[:1], "head"))
		case "distilled":
			both := plus(f.head(y[:1], "head"), f.head(y[1:2], "head_dist"))
			f.read("logits", joined(both, both, func(a, _ float64) float64 { return a / 2 }))
		case "pooled":
			pooled := f.norm(mean(x[1:]), name, 1e-6)
			f.read("embedding.mean", pooled)
			f.read("logits", f.head(pooled, "head"))
		}
	}
}

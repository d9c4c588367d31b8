package crate

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// layer is one layer: attention with its residual, then the block. It records
// the layer's key, attention and cls_attention values.
func (b *builder) layer(l int, x *graph.Value) *graph.Value {
	c := b.c
	switch c.Architecture {
	case ViT:
		at := fmt.Sprintf("blocks.%d", l)
		y := b.layerNorm(x, at+".norm1", c.Dim, c.LNEps)
		o := b.separateAttention(l, y, at+".attn.qkv", true)
		x = b.Do(graph.OpAdd, nil, b.linear(o, at+".attn.proj", c.Dim, c.Inner, true), x)
		y = b.layerNorm(x, at+".norm2", c.Dim, c.LNEps)
		return b.Do(graph.OpAdd, nil, b.mlp(y, at+".mlp.fc1", at+".mlp.fc2"), x)
	case MAE:
		at := fmt.Sprintf("blocks.%d.layers.0", l)
		return b.crateLayer(l, x, at+".0", at+".1")
	}
	at := fmt.Sprintf("transformer.layers.%d", l)
	return b.crateLayer(l, x, at+".0", at+".1")
}

// crateLayer is X' = X + MSSA(LN(X)), X⁺ = ISTA(LN(X')) (numerics 1.1). The first
// residual is around the un-normalised X; ISTA replaces the stream, unless
// ResidualFF says otherwise.
func (b *builder) crateLayer(l int, x *graph.Value, attention, block string) *graph.Value {
	c := b.c
	y := b.layerNorm(x, attention+".norm", c.Dim, c.LNEps)
	var o *graph.Value
	if c.Attention == AttentionMHSA {
		o = b.separateAttention(l, y, attention+".fn.to_qkv", false)
	} else {
		o = b.sharedAttention(l, y, attention+".fn.qkv")
	}
	o = b.outProjection(o, attention)
	x = b.Do(graph.OpAdd, nil, o, x)
	z := b.layerNorm(x, block+".norm", c.Dim, c.LNEps)
	f := b.block(z, block)
	if c.ResidualFF {
		f = b.Do(graph.OpAdd, nil, f, x)
	}
	return f
}

// outProjection joins the heads; a single head as wide as the model has none.
func (b *builder) outProjection(o *graph.Value, attention string) *graph.Value {
	if !b.c.OutProjection {
		return o
	}
	return b.linear(o, attention+".fn.to_out.0", b.c.Dim, b.c.Inner, b.c.OutBias)
}

func (b *builder) block(z *graph.Value, at string) *graph.Value {
	c := b.c
	steps := graph.Attrs{"step": c.Eta, "threshold": c.Lambda}
	switch c.Block {
	case BlockMLP:
		return b.mlp(z, at+".fn.net.0", at+".fn.net.3")
	case BlockODL:
		d := b.param(at+".fn.D", "C", c.Dim, "R", c.Hidden)
		d1 := d
		if c.Decoupled {
			d1 = b.param(at+".fn.D1", "C", c.Dim, "R", c.Hidden)
		}
		return b.Do(graph.OpODL, steps, z, d, d1)
	case BlockSoft:
		steps["prox"] = graph.ActSoft
	}
	return b.Do(graph.OpISTA, steps, z, b.param(at+c.dictionaryName(), "R", c.Dim, "K", c.Dim))
}

func (b *builder) mlp(x *graph.Value, first, second string) *graph.Value {
	c := b.c
	x = b.Do(graph.OpGELU, nil, b.linear(x, first, c.Hidden, c.Dim, true))
	return b.linear(x, second, c.Dim, c.Hidden, true)
}

func (b *builder) heads() graph.Attrs {
	return graph.Attrs{"heads": b.c.Heads, "scale": b.c.ScoreScale()}
}

// read records what can be read off the attention of layer l.
func (b *builder) read(l int, q, k *graph.Value) {
	if b.masked {
		return
	}
	b.values[fmt.Sprintf("key.%d", l)] = k
	b.values[fmt.Sprintf("attention.%d", l)] = b.Do(graph.OpAttention, b.heads(), q, k)
	b.values[fmt.Sprintf("cls_attention.%d", l)] = b.Do(graph.OpClassAttention, b.heads(), q, k)
}

// sharedAttention is MSSA: one projection is query, key and value.
func (b *builder) sharedAttention(l int, y *graph.Value, weight string) *graph.Value {
	w := b.linear(y, weight, b.c.Inner, b.c.Dim, false)
	b.read(l, w, w)
	return b.Do(graph.OpMSSA, b.heads(), w)
}

// separateAttention is MHSA: q, k and v are thirds of one stacked weight.
func (b *builder) separateAttention(l int, y *graph.Value, weight string, bias bool) *graph.Value {
	inner, d := b.c.Inner, b.c.Dim
	stack := b.param(weight+".weight", "R", 3*inner, "K", d)
	var biases *graph.Value
	if bias {
		biases = b.param(weight+".bias", "R", 3*inner)
	}
	var part [3]*graph.Value
	for i := range part {
		cut := graph.Attrs{"start": i * inner, "stop": (i + 1) * inner}
		args := []*graph.Value{y, b.Do(graph.OpSlice, cut, stack)}
		if bias {
			args = append(args, b.Do(graph.OpSlice, cut, biases))
		}
		part[i] = b.Do(graph.OpLinear, nil, args...)
	}
	b.read(l, part[0], part[1])
	return b.Do(graph.OpMHSA, b.heads(), part[0], part[1], part[2])
}

// finish records what stands behind the last layer: features and logits.
func (b *builder) finish(x *graph.Value) {
	c := b.c
	switch c.Architecture {
	case MAE:
		f := b.layerNorm(x, "norm", c.Dim, c.FinalEps)
		b.values["features"] = f
		if c.Classes > 0 {
			b.values["logits"] = b.linear(b.pool(f, c.Prefix), "head", c.Classes, c.Dim, true)
		}
	case ViT:
		norm := "norm"
		if c.FCNorm {
			norm = "fc_norm"
		}
		f := b.layerNorm(x, norm, c.Dim, c.FinalEps)
		b.values["features"] = f
		if c.Classes == 0 {
			return
		}
		pooled := b.pool(f, c.Prefix)
		if c.FCNorm { // the head's norm is of the pooled row, not of its tokens
			pooled = b.layerNorm(b.pool(x, c.Prefix), norm, c.Dim, c.FinalEps)
		}
		logits := b.linear(pooled, "head", c.Classes, c.Dim, true)
		if c.Prefix > 1 && c.Pool != PoolMean { // distilled: the mean of both heads (DeiT)
			dist := b.linear(b.Do(graph.OpSelect, graph.Attrs{"row": 1}, f), "head_dist", c.Classes, c.Dim, true)
			logits = b.Do(graph.OpScale, graph.Attrs{"by": 0.5}, b.Do(graph.OpAdd, nil, logits, dist))
		}
		b.values["logits"] = logits
	default:
		if c.Classes == 0 {
			return
		}
		f := b.layerNorm(b.pool(x, 0), "mlp_head.0", c.Dim, c.FinalEps)
		logits := b.linear(f, "mlp_head.1", c.Classes, c.Dim, true)
		if c.ExtraHead > 0 {
			// How the demo checkpoints' second head was joined in training is
			// not established (numerics 1.2): this composition is unverified.
			logits = b.linear(logits, "head", c.ExtraHead, c.Classes, true)
		}
		b.values["logits"] = logits
	}
}

// pool is the row that the head reads: the class token's, or the mean of the
// tokens from first on. CRATE's code takes the mean of all tokens, the class
// token's included; a ViT's that of the patches.
func (b *builder) pool(x *graph.Value, first int) *graph.Value {
	if b.c.Pool == PoolMean {
		return b.Do(graph.OpMeanRows, graph.Attrs{"first": first}, x)
	}
	return b.Do(graph.OpSelect, graph.Attrs{"row": 0}, x)
}

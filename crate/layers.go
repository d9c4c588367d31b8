package crate

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// The names of CRATE's layer below one of its halves, which CRATE-α and
// CRATE-MAE have, too.
const (
	halfNorm          = ".norm"
	sharedQKV         = ".fn.qkv"
	separateQKV       = ".fn.to_qkv"
	attentionOut      = ".fn.to_out.0"
	mlpFirst          = ".fn.net.0"
	mlpLast           = ".fn.net.3"
	blockLinear       = ".fn" // a square matrix
	squareDictionary  = blockLinear + weight
	dictionary        = ".fn.D"
	decoderDictionary = ".fn.D1"
)

// halves are the names before the two halves of a layer.
func halves(at string) (attention, block string) { return at + ".0", at + ".1" }

// layerShapes fills in what the shapes of the layer at a name tell of CRATE's
// layers.
func layerShapes(k *Checkpoint, c *Config, at string) {
	attention, block := halves(at)
	c.Inner = k.dim(attention+sharedQKV+weight, 0)
	if n := k.dim(attention+separateQKV+weight, 0); n > 0 {
		c.Attention, c.Inner = AttentionMHSA, n/3
	}
	c.OutProjection = k.has(attention + attentionOut + weight)
	c.OutBias = k.has(attention + attentionOut + bias)
	if k.has(block + mlpFirst + weight) {
		c.Block, c.Hidden, c.ResidualFF = BlockMLP, k.dim(block+mlpFirst+weight, 0), true
	}
}

// crateLayer is X' = X + MSSA(LN(X)), X⁺ = ISTA(LN(X')) (numerics 1.1). The first
// residual is around the un-normalised X; ISTA replaces the stream, unless
// ResidualFF says otherwise.
func (b *builder) crateLayer(l int, x *graph.Value, at string) *graph.Value {
	c := b.c
	attention, block := halves(at)
	y := b.layerNorm(x, attention+halfNorm, c.Dim, c.LNEps)
	var o *graph.Value
	if c.Attention == AttentionMHSA {
		o = b.separateAttention(l, y, attention+separateQKV, false)
	} else {
		o = b.sharedAttention(l, y, attention+sharedQKV)
	}
	o = b.outProjection(o, attention)
	x = b.Do(graph.OpAdd, nil, o, x)
	z := b.layerNorm(x, block+halfNorm, c.Dim, c.LNEps)
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
	return b.linear(o, attention+attentionOut, b.c.Dim, b.c.Inner, b.c.OutBias)
}

func (b *builder) block(z *graph.Value, at string) *graph.Value {
	c := b.c
	steps := graph.Attrs{"step": c.Eta, "threshold": c.Lambda}
	switch c.Block {
	case BlockMLP:
		return b.mlp(z, at+mlpFirst, at+mlpLast)
	case BlockODL:
		d := b.param(roleDictionary, at+dictionary, "C", c.Dim, "R", c.Hidden)
		d1 := d
		if c.Decoupled {
			d1 = b.param(roleDictionary, at+decoderDictionary, "C", c.Dim, "R", c.Hidden)
		}
		return b.Do(graph.OpODL, steps, z, d, d1)
	case BlockSoft:
		steps["prox"] = graph.ActSoft
	}
	return b.Do(graph.OpISTA, steps, z, b.param(roleDictionary, at+b.f.square, "R", c.Dim, "K", c.Dim))
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
func (b *builder) sharedAttention(l int, y *graph.Value, name string) *graph.Value {
	w := b.linear(y, name, b.c.Inner, b.c.Dim, false)
	b.read(l, w, w)
	return b.Do(graph.OpMSSA, b.heads(), w)
}

// separateAttention is MHSA: q, k and v are thirds of one stacked weight.
func (b *builder) separateAttention(l int, y *graph.Value, name string, biased bool) *graph.Value {
	inner, d := b.c.Inner, b.c.Dim
	stack := b.param(roleLinear, name+weight, "R", 3*inner, "K", d)
	var biases *graph.Value
	if biased {
		biases = b.param(roleBias, name+bias, "R", 3*inner)
	}
	var part [3]*graph.Value
	for i := range part {
		cut := graph.Attrs{"start": i * inner, "stop": (i + 1) * inner}
		args := []*graph.Value{y, b.Do(graph.OpSlice, cut, stack)}
		if biased {
			args = append(args, b.Do(graph.OpSlice, cut, biases))
		}
		part[i] = b.Do(graph.OpLinear, nil, args...)
	}
	b.read(l, part[0], part[1])
	return b.Do(graph.OpMHSA, b.heads(), part[0], part[1], part[2])
}

package crate

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// Names that more than one published code base has.
const (
	classToken = "cls_token"
	headLinear = "head" // a ViT's and CRATE-MAE's; in the demo's CRATE the second one

	// Below a module.
	weight = ".weight"
	bias   = ".bias"
)

// builder adds to graph.Builder what model code says often, and keeps a list of
// the tensors that are declared.
type builder struct {
	*graph.Builder
	c      *Config
	f      family
	r      Request
	values map[string]*graph.Value // what can be read, by output name
	tokens *graph.Value            // the patches, projected
	masked bool                    // the layers run on a masked image: nothing is read off them

	declared []Tensor
	known    map[string]bool // the names of declared
}

func newBuilder(c *Config, r Request) *builder {
	return &builder{Builder: graph.NewBuilder(string(c.Architecture)), c: c, f: c.family(), r: r, values: map[string]*graph.Value{}, known: map[string]bool{}}
}

// model adds the whole model, but for the decoder where nothing reads it.
func (b *builder) model(decoder bool) {
	b.tokens = b.f.project(b)
	x := b.f.embed(b, b.tokens)
	b.values["tokens.embed"] = x
	for l := range b.c.Depth {
		x = b.f.layer(b, l, x)
		b.values[fmt.Sprintf("tokens.%d", l)] = x
	}
	b.f.finish(b, x)
	if decoder && b.c.DecoderDepth > 0 && b.f.decode != nil {
		b.values["reconstruction"] = b.f.decode(b)
	}
}

// declare puts a tensor on the list: a model's file has it, in that shape.
func (b *builder) declare(r role, name string, shape ...int) {
	if !b.known[name] {
		b.known[name] = true
		b.declared = append(b.declared, Tensor{name, shape, r})
	}
}

func (b *builder) declareLinear(name string, out, in int, biased bool) {
	b.declare(roleLinear, name+weight, out, in)
	if biased {
		b.declare(roleBias, name+bias, out)
	}
}

// declarePositions declares a position table of the native grid.
func (b *builder) declarePositions(name string) {
	b.declare(roleTable, name, 1, b.c.tokens(), b.c.Dim)
}

// param declares a tensor that the file has in the shape of the graph's value.
func (b *builder) param(r role, name string, axes ...any) *graph.Value {
	t := graph.F32Type(axes...)
	b.declare(r, name, t.Shape.Sizes()...)
	return b.Param(name, t)
}

// table declares a token or a table, which the file has with one more axis, of
// size 1, in front: the batch in the published code.
func (b *builder) table(name string, axes ...any) *graph.Value {
	t := graph.F32Type(axes...)
	b.declare(roleTable, name, append([]int{1}, t.Shape.Sizes()...)...)
	return b.Param(name, t)
}

func (b *builder) layerNorm(x *graph.Value, name string, n int, eps float64) *graph.Value {
	return b.Do(graph.OpLayerNorm, graph.Attrs{"eps": eps}, x, b.param(roleGain, name+weight, "C", n), b.param(roleBias, name+bias, "C", n))
}

func (b *builder) linear(x *graph.Value, name string, out, in int, biased bool) *graph.Value {
	args := []*graph.Value{x, b.param(roleLinear, name+weight, "R", out, "K", in)}
	if biased {
		args = append(args, b.param(roleBias, name+bias, "R", out))
	}
	return b.Do(graph.OpLinear, nil, args...)
}

// embedding records one vector an image, where it is asked for: the class token's row of
// x, which holds the tokens as the head reads them, and the mean of the patches' rows
// (numerics 4.10).
func (b *builder) embedding(x *graph.Value) {
	if slices.Contains(b.r.Outputs, EmbeddingClass) {
		b.values[EmbeddingClass] = b.Do(graph.OpSelect, graph.Attrs{"row": 0}, x)
	}
	if slices.Contains(b.r.Outputs, EmbeddingMean) {
		b.values[EmbeddingMean] = b.Do(graph.OpMeanRows, graph.Attrs{"first": b.c.Prefix}, x)
	}
}

// pool is the row that the head reads: the class token's, or the mean of the
// tokens from PooledFrom on.
func (b *builder) pool(x *graph.Value) *graph.Value {
	if b.c.Pool == PoolMean {
		return b.Do(graph.OpMeanRows, graph.Attrs{"first": b.c.PooledFrom()}, x)
	}
	return b.Do(graph.OpSelect, graph.Attrs{"row": 0}, x)
}

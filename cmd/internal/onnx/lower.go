package onnx

import (
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// lower appends the nodes of a dynamic value and returns the name of its
// result.
func (e *exporter) lower(v *graph.Value) string {
	in := func(i int) string { return e.value(v.Args[i]) }
	switch v.Op {
	case graph.OpInput:
		return e.input(v)
	case graph.OpAdd:
		return e.do("Add", nil, in(0), in(1))
	case graph.OpSub:
		return e.do("Sub", nil, in(0), in(1))
	case graph.OpMul:
		return e.do("Mul", nil, in(0), in(1))
	case graph.OpScale:
		return e.times(in(0), v.Float("by"))
	case graph.OpReLU, graph.OpGELU, graph.OpSoft:
		return e.activation(v.Op.String(), v.Float("threshold"), in(0))
	case graph.OpMatMul:
		return e.do("MatMul", nil, in(0), in(1))
	case graph.OpTranspose:
		return e.transposed(v.Args[0])
	case graph.OpSlice:
		return e.do("Slice", nil, in(0), e.ints(v.Int("start")), e.ints(v.Int("stop")), e.ints(0))
	case graph.OpConcat:
		return e.do("Concat", []attr{{"axis", 0}}, in(0), in(1))
	case graph.OpCentre:
		return e.centre(in(0))

	case graph.OpNormalise:
		x := e.normalised(v, in(0))
		return e.do("Transpose", []attr{{"perm", []int{0, 3, 1, 2}}}, x)
	case graph.OpPatchify:
		return e.patchify(v, in(0))
	case graph.OpPixelPatches:
		return e.pixelPatches(v, in(0))
	case graph.OpPrepend:
		return e.do("Concat", []attr{{"axis", 1}}, e.perImage(in(1), v), in(0))
	case graph.OpEmbed:
		return e.embed(v)
	case graph.OpSelect:
		return e.row(in(0), v.Int("row"))
	case graph.OpMeanRows:
		return e.do("ReduceMean", []attr{{"axes", []int{1}}, {"keepdims", 0}}, e.rowsFrom(v, in(0)))
	case graph.OpDropRows:
		return e.rowsFrom(v, in(0))

	case graph.OpLayerNorm:
		return e.do("LayerNormalization", norm(v), in(0), in(1), in(2))
	case graph.OpStandardise:
		return e.standardise(v, v.Args[0])[0]
	case graph.OpRowScale:
		return e.standardise(v, v.Args[0])[2]
	case graph.OpLinear:
		return e.linear(v)
	case graph.OpSoftmax:
		return e.softmax(e.times(in(0), v.Float("scale")))
	case graph.OpISTA:
		return e.ista(v)
	case graph.OpODL:
		return e.odl(v)
	}
	if name, ok := e.lowerAttention(v); ok {
		return name
	}
	return e.fail(fmt.Errorf("onnx: %v has no form in ONNX: it reads patches or bits, not a model's tensors", v))
}

func (e *exporter) times(x string, by float64) string {
	if by == 1 {
		return x
	}
	return e.do("Mul", nil, x, e.scalar(by))
}

func (e *exporter) softmax(x string) string { return e.do("Softmax", []attr{{"axis", -1}}, x) }

func (e *exporter) reshape(x string, sizes ...int) string {
	return e.do("Reshape", nil, x, e.ints(sizes...))
}

func (e *exporter) transpose(x string, perm ...int) string {
	return e.do("Transpose", []attr{{"perm", perm}}, x)
}

// centre subtracts the mean over the last axis.
func (e *exporter) centre(x string) string {
	return e.do("Sub", nil, x, e.do("ReduceMean", []attr{{"axes", []int{-1}}, {"keepdims", 1}}, x))
}

func (e *exporter) activation(name string, threshold float64, x string) string {
	switch name {
	case graph.ActReLU:
		return e.do("Relu", nil, x)
	case graph.ActGELU: // x/2·(1 + erf(x/√2))
		half := e.times(x, 0.5)
		return e.do("Mul", nil, half, e.do("Add", nil, e.do("Erf", nil, e.times(x, 1/math.Sqrt2)), e.scalar(1)))
	case graph.ActSoft: // sign(x)·max(|x| − threshold, 0)
		shrunk := e.do("Relu", nil, e.do("Sub", nil, e.do("Abs", nil, x), e.scalar(threshold)))
		return e.do("Mul", nil, e.do("Sign", nil, x), shrunk)
	}
	return x
}

// normalised is (x/255 − mean)/std of pixels, their axes as they were.
func (e *exporter) normalised(v *graph.Value, pixels string) string {
	x := e.do("Cast", []attr{{"to", typeFloat}}, pixels)
	x = e.do("Sub", nil, e.do("Div", nil, x, e.scalar(255)), e.vector(v.Floats("mean")...))
	return e.do("Div", nil, x, e.vector(v.Floats("std")...))
}

// patchify cuts [B 3 Y X] into [B N P·P·3], colour fastest.
func (e *exporter) patchify(v *graph.Value, image string) string {
	s, p := v.Args[0].Shape(), v.Int("patch")
	x := e.reshape(image, s[0].Size, 3, s[2].Size/p, p, s[3].Size/p, p)
	return e.reshape(e.transpose(x, 0, 2, 4, 3, 5, 1), v.Shape().Sizes()...)
}

// pixelPatches cuts [B Y X 3] likewise, where colours are fastest already.
func (e *exporter) pixelPatches(v *graph.Value, pixels string) string {
	s, p := v.Args[0].Shape(), v.Int("patch")
	x := e.reshape(e.normalised(v, pixels), s[0].Size, s[1].Size/p, p, s[2].Size/p, p, 3)
	x = e.reshape(e.transpose(x, 0, 1, 3, 2, 4, 5), v.Shape().Sizes()...)
	if v.Int("centred") != 0 {
		x = e.centre(x)
	}
	return x
}

// perImage repeats the rows [K C] for each image of v: [B K C].
func (e *exporter) perImage(rows string, v *graph.Value) string {
	return e.do("Expand", nil, rows, e.ints(v.Shape()[0].Size, 1, 1))
}

// row is one row of each image's tokens: [B N C] to [B C].
func (e *exporter) row(x string, i int) string {
	return e.do("Gather", []attr{{"axis", 1}}, x, e.index(i))
}

// rowsFrom is each image's tokens from row first on.
func (e *exporter) rowsFrom(v *graph.Value, x string) string {
	return e.do("Slice", nil, x, e.ints(v.Int("first")), e.ints(v.Args[0].Shape()[1].Size), e.ints(1))
}

func (e *exporter) embed(v *graph.Value) string {
	x, table, gain := e.value(v.Args[0]), e.value(v.Args[1]), v.Args[2]
	n, k := v.Args[1].Shape()[0].Size, v.Args[1].Shape()[0].Size-v.Args[0].Shape()[1].Size
	_, normed := v.Attrs["eps"]
	switch {
	case normed && gain != nil:
		x = e.do("LayerNormalization", norm(v), x, e.value(gain))
	case normed:
		x = e.standardise(v, v.Args[0])[0]
	case gain != nil:
		x = e.do("Mul", nil, x, e.value(gain))
	}
	x = e.do("Add", nil, x, e.do("Slice", nil, table, e.ints(k), e.ints(n), e.ints(0)))
	if k == 0 {
		return x
	}
	head := e.do("Slice", nil, table, e.ints(0), e.ints(k), e.ints(0))
	return e.do("Concat", []attr{{"axis", 1}}, e.perImage(head, v), x)
}

func norm(v *graph.Value) []attr { return []attr{{"axis", -1}, {"epsilon", v.Float("eps")}} }

// standardise is (x − mean)/sqrt(var + eps) of each row, the mean, and
// 1/sqrt(var + eps); eps is v's.
func (e *exporter) standardise(v, x *graph.Value) []string {
	return e.doMany("LayerNormalization", norm(v), 3, e.value(x), e.ones(x.Shape().Last()))
}

// linear is act(rowscale∘(x·weightᵀ) + bias + residual). Where the row scale is
// the operand's own and the weight's rows are centred, x may be standardised
// first instead, which is one operator.
func (e *exporter) linear(v *graph.Value) string {
	x, w := e.value(v.Args[0]), v.Args[1]
	scale := e.rowScale(v, v.Args[0], v.Args[3])
	if scale != "" && v.Args[3] == nil && centred(w) {
		x, scale = e.standardise(v, v.Args[0])[0], ""
	}
	y := e.do("MatMul", nil, x, e.transposed(w))
	if scale != "" {
		y = e.do("Mul", nil, y, scale)
	}
	for _, b := range []*graph.Value{v.Args[2], v.Args[4]} {
		if b != nil {
			y = e.do("Add", nil, y, e.value(b))
		}
	}
	return e.activation(v.Str("act"), v.Float("threshold"), y)
}

// rowScale is the scale of an op's rows [… 1]: an argument, or with eps the
// operand's own; "" when there is none.
func (e *exporter) rowScale(v, x, arg *graph.Value) string {
	if arg != nil {
		return e.value(arg)
	}
	if _, own := v.Attrs["eps"]; own {
		return e.standardise(v, x)[2]
	}
	return ""
}

// centred reports a weight whose rows have the mean 0 by their making.
func centred(w *graph.Value) bool {
	for w.Op == graph.OpScale || w.Op == graph.OpSlice {
		w = w.Args[0]
	}
	return w.Op == graph.OpCentre
}

// ista is one proximal step: prox(x + step·(x·D − (x·Dᵀ)·D)).
func (e *exporter) ista(v *graph.Value) string {
	x, step := e.value(v.Args[0]), v.Float("step")
	d, dt := e.value(v.Args[1]), e.transposed(v.Args[1])
	pull := e.do("Sub", nil, e.do("MatMul", nil, x, d), e.do("MatMul", nil, e.do("MatMul", nil, x, dt), d))
	y := e.do("Add", nil, x, e.times(pull, step))
	shrink := step * v.Float("threshold")
	if v.Str("prox") == graph.ActSoft {
		return e.activation(graph.ActSoft, shrink, y)
	}
	return e.do("Relu", nil, e.do("Sub", nil, y, e.scalar(shrink)))
}

// odl is two proximal steps from zero on an overcomplete dictionary, decoded.
func (e *exporter) odl(v *graph.Value) string {
	step := v.Float("step")
	d, dt := e.value(v.Args[1]), e.transposed(v.Args[1])
	first := e.times(e.do("MatMul", nil, e.value(v.Args[0]), d), step)
	first = e.do("Sub", nil, first, e.scalar(step*v.Float("threshold")))
	z := e.do("Relu", nil, first)
	back := e.do("MatMul", nil, e.do("MatMul", nil, z, dt), d)
	z = e.do("Relu", nil, e.do("Add", nil, e.do("Sub", nil, z, e.times(back, step)), first))
	return e.do("MatMul", nil, z, e.transposed(v.Args[2]))
}

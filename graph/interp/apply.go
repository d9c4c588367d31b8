package interp

import (
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// apply is the definition of every op. Types were checked by graph.Check.
func apply(v *graph.Value, args []*Tensor, params Params) (*Tensor, error) {
	out := NewTensor(v.Shape())
	switch v.Op {
	case graph.OpParam:
		data, err := params(v.Str("name"), v.Type)
		if err != nil {
			return nil, err
		}
		if len(data) != len(out.Data) {
			return nil, fmt.Errorf("interp: parameter %q has %d elements, want %d", v.Str("name"), len(data), len(out.Data))
		}
		out.Data = data
	case graph.OpEye:
		for i := range min(v.Shape()[0].Size, v.Shape().Last()) {
			out.Row(i)[i] = 1
		}
	case graph.OpFill:
		for i := range out.Data {
			out.Data[i] = v.Float("value")
		}
	case graph.OpKept:
		n, count := len(out.Data), v.Int("count")
		if count < 0 || count > n {
			return nil, fmt.Errorf("interp: %v keeps %d of %d rows", v, count, n)
		}
		out.Data = Kept(n, count, v.Int("seed"))

	case graph.OpAdd:
		broadcast(out, args[0], args[1], func(a, b float64) float64 { return a + b })
	case graph.OpSub:
		broadcast(out, args[0], args[1], func(a, b float64) float64 { return a - b })
	case graph.OpMul:
		broadcast(out, args[0], args[1], func(a, b float64) float64 { return a * b })
	case graph.OpScale:
		by := v.Float("by")
		each(out, args[0], func(a float64) float64 { return a * by })
	case graph.OpReLU, graph.OpGELU, graph.OpSoft:
		each(out, args[0], activation(v.Op.String(), v.Float("threshold")))

	case graph.OpMatMul:
		matmul(out, args[0], args[1])
	case graph.OpTranspose:
		for i := range args[0].Shape[0].Size {
			for j, x := range args[0].Row(i) {
				out.Row(j)[i] = x
			}
		}
	case graph.OpSlice:
		stride := len(args[0].Data) / args[0].Shape[0].Size
		copy(out.Data, args[0].Data[v.Int("start")*stride:])
	case graph.OpConcat:
		copy(out.Data[copy(out.Data, args[0].Data):], args[1].Data)
	case graph.OpCentre:
		centre(out, args[0])
	case graph.OpConvAsLinear:
		convAsLinear(out, args[0])
	case graph.OpResamplePositions:
		resamplePositions(v, out, args[0])

	case graph.OpNormalise:
		normalise(v, out, args[0])
	case graph.OpPatchify:
		patchify(v.Int("patch"), out, args[0])
	case graph.OpPixelPatches:
		s := args[0].Shape
		image := NewTensor(graph.Shape{s[0], s[3], s[1], s[2]})
		normalise(v, image, args[0])
		patchify(v.Int("patch"), out, image)
		if v.Int("centred") != 0 {
			centre(out, out)
		}
	case graph.OpPrepend:
		prepend(out, args[0], args[1])
	case graph.OpEmbed:
		embed(v, out, args[0], args[1], args[2])
	case graph.OpSelect:
		n := args[0].Shape[1].Size
		for b := range args[0].Shape[0].Size {
			copy(out.Row(b), args[0].Row(b*n+v.Int("row")))
		}
	case graph.OpMeanRows:
		meanRows(out, args[0], v.Int("first"))
	case graph.OpDropRows:
		n, first := args[0].Shape[1].Size, v.Int("first")
		rows(out, func(i int, row []float64) {
			copy(row, args[0].Row(i/(n-first)*n+first+i%(n-first)))
		})

	case graph.OpLayerNorm, graph.OpStandardise:
		layerNorm(v, out, args)
	case graph.OpRowScale:
		copy(out.Data, rowScale(args[0], v.Float("eps")))
	case graph.OpLinear:
		linear(v, out, args)

	case graph.OpMSSA:
		multiHead(v, out, args[0], args[0], args[0])
	case graph.OpMHSA:
		multiHead(v, out, args[0], args[1], args[2])
	case graph.OpAttention:
		attentionMaps(v, out, args[0], args[1])
	case graph.OpClassAttention:
		classAttention(v, out, args[0], args[1])
	case graph.OpSoftmax:
		rows(out, func(i int, row []float64) { softmax(row, args[0].Row(i), v.Float("scale")) })
	case graph.OpHeadDots:
		headDots(v, out, args[0], args[1])
	case graph.OpHeadQuery:
		headQuery(v, out, args[0], args[1])
	case graph.OpHeadScores:
		headScores(v, out, args)
	case graph.OpHeadMix:
		headMix(out, args)
	case graph.OpHeadProject:
		headProject(v, out, args)

	case graph.OpISTA:
		ista(v, out, args[0], args[1])
	case graph.OpODL:
		odl(v, out, args[0], args[1], args[2])

	case graph.OpUnitRows:
		unitRows(v, out, args[0])
	case graph.OpAffinityBits:
		affinityBits(v, out, args[0])
	case graph.OpHeadGram:
		headGram(v, out, args[0])
	case graph.OpZeroCount:
		zeroCount(out, args[0])

	default:
		return nil, fmt.Errorf("interp: %v has no definition", v)
	}
	return out, nil
}

// rows calls f with each row of out, rows split over the cores.
func rows(out *Tensor, f func(i int, row []float64)) {
	parallel(out.Shape.Rows(), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f(i, out.Row(i))
		}
	})
}

// centre subtracts from each row its mean.
func centre(out, a *Tensor) {
	rows(out, func(i int, row []float64) {
		m := mean(a.Row(i))
		for j, x := range a.Row(i) {
			row[j] = x - m
		}
	})
}

func each(out, a *Tensor, f func(float64) float64) {
	parallel(len(out.Data), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out.Data[i] = f(a.Data[i])
		}
	})
}

// broadcast applies f elementwise; b has the trailing axes of a, each equal or
// of size 1.
func broadcast(out, a, b *Tensor, f func(a, b float64) float64) {
	if len(a.Data) == len(b.Data) {
		parallel(len(out.Data), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				out.Data[i] = f(a.Data[i], b.Data[i])
			}
		})
		return
	}
	// Strides of b along a's axes, 0 where b is broadcast.
	stride := make([]int, len(a.Shape))
	for i, s := len(b.Shape)-1, 1; i >= 0; i-- {
		if b.Shape[i].Size > 1 {
			stride[len(a.Shape)-len(b.Shape)+i] = s
		}
		s *= b.Shape[i].Size
	}
	parallel(len(out.Data), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			j, rest := 0, i
			for axis := len(stride) - 1; axis >= 0; axis-- {
				j += rest % a.Shape[axis].Size * stride[axis]
				rest /= a.Shape[axis].Size
			}
			out.Data[i] = f(a.Data[i], b.Data[j])
		}
	})
}

// activation is the function of that name: relu, gelu (exact, with erf), soft.
func activation(name string, threshold float64) func(float64) float64 {
	switch name {
	case graph.ActReLU:
		return func(x float64) float64 { return max(0, x) }
	case graph.ActGELU:
		return func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }
	case graph.ActSoft:
		return func(x float64) float64 { return math.Copysign(max(math.Abs(x)-threshold, 0), x) }
	}
	return func(x float64) float64 { return x }
}

package interp

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/crate-vk/crate-vk/graph"
)

// unitRows is x/max(‖x‖, 1e-12) of each token behind the prefix, or of each
// head's part of it.
func unitRows(v *graph.Value, out, x *Tensor) {
	n, k := out.Shape[1].Size, v.Int("prefix")
	p := out.Shape.Last() / max(v.Int("heads"), 1)
	rows(out, func(i int, row []float64) {
		in := x.Row(i/n*(n+k) + k + i%n)
		for from := 0; from < len(row); from += p {
			part := in[from : from+p]
			norm := max(math.Sqrt(dot(part, part)), 1e-12)
			for c, a := range part {
				row[from+c] = a / norm
			}
		}
	})
}

// affinityBits compares every two rows of an image: bit j of row i is
// f_i·f_j > tau. Words are numbers 0 … 2³²−1.
func affinityBits(v *graph.Value, out, f *Tensor) {
	n, tau := f.Shape[1].Size, v.Float("tau")
	g := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	for b := range f.Shape[0].Size {
		m := matrix(f, b*n, n, 0, f.Shape.Last())
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, m, m, 0, g)
		for i := range n {
			row := out.Row(b*n + i)
			for j := range n {
				if g.Data[i*n+j] > tau {
					row[j/32] += float64(uint32(1) << (j % 32))
				}
			}
		}
	}
}

// degreeScale is D^(-1/2) of A = eps·11ᵀ + (1 − eps)·bits.
func degreeScale(v *graph.Value, out, matrix *Tensor) {
	eps, n := v.Float("eps"), matrix.Shape[1].Size
	for i := range out.Data {
		degree := 0
		for _, w := range matrix.Row(i) {
			degree += bits.OnesCount32(uint32(w))
		}
		out.Data[i] = 1 / math.Sqrt(eps*float64(n)+(1-eps)*float64(degree))
	}
}

// affinityProduct is scale∘A·(scale∘v).
func affinityProduct(v *graph.Value, out *Tensor, args []*Tensor) {
	matrix, scale, x := args[0], args[1], args[2]
	eps, n := v.Float("eps"), matrix.Shape[1].Size
	rows(out, func(b int, row []float64) {
		z, sum := make([]float64, n), 0.0
		for j := range z {
			z[j] = scale.Row(b)[j] * x.Row(b)[j]
			sum += z[j]
		}
		for i := range row {
			part := 0.0
			for g, w := range matrix.Row(b*n + i) {
				for w := uint32(w); w != 0; w &= w - 1 {
					part += z[32*g+bits.TrailingZeros32(w)]
				}
			}
			row[i] = scale.Row(b)[i] * (eps*sum + (1-eps)*part)
		}
	})
}

// lanczosNext makes w orthogonal to 1/scale and to the two Lanczos vectors
// before it, and scales it to length 1. Without w hashed numbers start.
func lanczosNext(out *Tensor, args []*Tensor) {
	rows(out, func(b int, row []float64) {
		scale := args[0].Row(b)
		for i := range row {
			if args[1] != nil {
				row[i] = args[1].Row(b)[i]
			} else {
				row[i] = hashed(uint32(i))
			}
		}
		top := make([]float64, len(row))
		for i, s := range scale {
			top[i] = 1 / s
		}
		along := [][]float64{top}
		for _, a := range args[2:] {
			if a != nil {
				along = append(along, a.Row(b))
			}
		}
		dots := make([]float64, len(along))
		for k, a := range along {
			dots[k] = dot(row, a) / dot(a, a)
		}
		for k, a := range along {
			for i, x := range a {
				row[i] -= dots[k] * x
			}
		}
		norm := math.Sqrt(dot(row, row))
		for i := range row {
			row[i] /= max(norm, 1e-30)
		}
	})
}

// hashed is a number in −1 … 1 made of i: a start without symmetry (O'Neill's
// PCG output permutation).
func hashed(i uint32) float64 {
	i = i*747796405 + 2891336453
	i = (i>>(i>>28+4) ^ i) * 277803737
	return float64(int32(i>>22^i)) / (1 << 31)
}

// headGram is w_kᵀ·w_k of each head.
func headGram(v *graph.Value, out, w *Tensor) {
	n, heads, p := w.Shape[1].Size, v.Int("heads"), out.Shape.Last()
	for b := range w.Shape[0].Size {
		for k := range heads {
			m := matrix(w, b*n, n, k*p, p)
			blas64.Gemm(blas.Trans, blas.NoTrans, 1, m, m, 0, matrix(out, (b*heads+k)*p, p, 0, p))
		}
	}
}

// zeroCount counts the exact zeros of each row.
func zeroCount(out, x *Tensor) {
	for i := range out.Data {
		for _, a := range x.Row(i) {
			if a == 0 {
				out.Data[i]++
			}
		}
	}
}

package interp

import (
	"math"

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

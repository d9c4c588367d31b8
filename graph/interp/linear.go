package interp

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/crate-vk/crate-vk/graph"
)

// matrix sees columns [from, from+cols) of rows [row, row+n) of t, a matrix
// with its last axis as columns.
func matrix(t *Tensor, row, n, from, cols int) blas64.General {
	c := t.Shape.Last()
	return blas64.General{Rows: n, Cols: cols, Stride: c, Data: t.Data[row*c+from : (row+n-1)*c+from+cols]}
}

func whole(t *Tensor) blas64.General { return matrix(t, 0, t.Shape.Rows(), 0, t.Shape.Last()) }

func matmul(out, a, b *Tensor) {
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, whole(a), whole(b), 0, whole(out))
}

// product is x·wᵀ, w [R K] as PyTorch stores a linear weight.
func product(out, x, w *Tensor) {
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, whole(x), whole(w), 0, whole(out))
}

func mean(row []float64) float64 {
	s := 0.0
	for _, x := range row {
		s += x
	}
	return s / float64(len(row))
}

// variance is the biased variance of a row, in two passes.
func variance(row []float64) float64 {
	m, s := mean(row), 0.0
	for _, x := range row {
		s += (x - m) * (x - m)
	}
	return s / float64(len(row))
}

// rowScale is 1/sqrt(var + eps) of each row.
func rowScale(x *Tensor, eps float64) []float64 {
	r := make([]float64, x.Shape.Rows())
	parallel(len(r), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r[i] = 1 / math.Sqrt(variance(x.Row(i))+eps)
		}
	})
	return r
}

// layerNorm is both layernorm(x, gain, bias) and standardise(x).
func layerNorm(v *graph.Value, out *Tensor, args []*Tensor) {
	x, eps := args[0], v.Float("eps")
	rows(out, func(i int, row []float64) {
		in := x.Row(i)
		m, r := mean(in), 1/math.Sqrt(variance(in)+eps)
		for j := range row {
			row[j] = (in[j] - m) * r
			if len(args) == 3 {
				row[j] = row[j]*args[1].Data[j] + args[2].Data[j]
			}
		}
	})
}

// rowScaleOf is the row scale of an op that has one as an argument or, with
// eps, takes it from its own input; nil when there is none.
func rowScaleOf(v *graph.Value, x, arg *Tensor) []float64 {
	if arg != nil {
		return arg.Data
	}
	if _, own := v.Attrs["eps"]; own {
		return rowScale(x, v.Float("eps"))
	}
	return nil
}

// linear is act(rowscale∘(x·wᵀ) + bias + residual).
func linear(v *graph.Value, out *Tensor, args []*Tensor) {
	x, w, bias, residual := args[0], args[1], args[2], args[4]
	product(out, x, w)
	scale := rowScaleOf(v, x, args[3])
	act := activation(v.Str("act"), v.Float("threshold"))
	rows(out, func(i int, row []float64) {
		for j := range row {
			y := row[j]
			if scale != nil {
				y *= scale[i]
			}
			if bias != nil {
				y += bias.Data[j]
			}
			if residual != nil {
				y += residual.Row(i)[j]
			}
			row[j] = act(y)
		}
	})
}

// ista is one proximal step on the dictionary d [C C] (numerics 1.1):
//
//	u = x·dᵀ,  pre = x + step·(x·d − u·d),  y = max(0, pre − step·threshold)
//
// or, with prox=soft, y = sign(pre)·max(|pre| − step·threshold, 0).
func ista(v *graph.Value, out, x, d *Tensor) {
	step, shrink := v.Float("step"), v.Float("step")*v.Float("threshold")
	u, ud := NewTensor(x.Shape), NewTensor(x.Shape)
	product(u, x, d)
	matmul(out, x, d)
	matmul(ud, u, d)
	soft := activation(graph.ActSoft, shrink)
	parallel(len(out.Data), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			pre := x.Data[i] + step*(out.Data[i]-ud.Data[i])
			if v.Str("prox") == graph.ActSoft {
				out.Data[i] = soft(pre)
			} else {
				out.Data[i] = max(0, pre-shrink)
			}
		}
	})
}

// odl is the overcomplete block of CRATE-α (numerics 1.3): two proximal-gradient
// steps on a non-negative LASSO from zero, then decoding with d1.
//
//	e = step·(x·d) − step·threshold,  z1 = max(0, e)
//	z2 = max(0, z1 − step·((z1·dᵀ)·d) + e),  y = z2·d1ᵀ
func odl(v *graph.Value, out, x, d, d1 *Tensor) {
	step, shrink := v.Float("step"), v.Float("step")*v.Float("threshold")
	wide := x.Shape.WithLast(d.Shape[1])
	e, z, g := NewTensor(wide), NewTensor(wide), NewTensor(wide)
	matmul(e, x, d)
	for i := range e.Data {
		e.Data[i] = step*e.Data[i] - shrink
		z.Data[i] = max(0, e.Data[i])
	}
	u := NewTensor(x.Shape)
	product(u, z, d)
	matmul(g, u, d)
	for i := range z.Data {
		z.Data[i] = max(0, z.Data[i]-step*g.Data[i]+e.Data[i])
	}
	product(out, z, d1)
}

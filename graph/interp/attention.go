package interp

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/crate-vk/crate-vk/graph"
)

// softmax writes softmax(scale·in) to out, which may be in.
func softmax(out, in []float64, scale float64) {
	top := math.Inf(-1)
	for _, x := range in {
		top = max(top, scale*x)
	}
	sum := 0.0
	for i, x := range in {
		out[i] = math.Exp(scale*x - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}

// headMap is the map of head h of image b: softmax(scale·q·kᵀ), n×n.
func headMap(v *graph.Value, q, k *Tensor, b, h int, into blas64.General) {
	n, p := q.Shape[1].Size, q.Shape.Last()/v.Int("heads")
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, matrix(q, b*n, n, h*p, p), matrix(k, b*n, n, h*p, p), 0, into)
	parallel(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := into.Data[i*into.Stride : i*into.Stride+n]
			softmax(row, row, v.Float("scale"))
		}
	})
}

// multiHead is concat over heads of softmax(scale·q·kᵀ)·v. MSSA is the case
// q = k = v.
func multiHead(v *graph.Value, out, q, k, val *Tensor) {
	n, p := q.Shape[1].Size, q.Shape.Last()/v.Int("heads")
	a := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	for b := range q.Shape[0].Size {
		for h := range v.Int("heads") {
			headMap(v, q, k, b, h, a)
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, a, matrix(val, b*n, n, h*p, p), 0, matrix(out, b*n, n, h*p, p))
		}
	}
}

func attentionMaps(v *graph.Value, out, q, k *Tensor) {
	n, heads := q.Shape[1].Size, v.Int("heads")
	for b := range q.Shape[0].Size {
		for h := range heads {
			headMap(v, q, k, b, h, matrix(out, (b*heads+h)*n, n, 0, n))
		}
	}
}

// classAttention is row 0 of each head's map.
func classAttention(v *graph.Value, out, q, k *Tensor) {
	n, heads := q.Shape[1].Size, v.Int("heads")
	p := q.Shape.Last() / heads
	rows(out, func(i int, row []float64) {
		b, h := i/heads, i%heads
		q0 := q.Row(b * n)[h*p : (h+1)*p]
		for j := range row {
			row[j] = dot(q0, k.Row(b*n + j)[h*p:(h+1)*p])
		}
		softmax(row, row, v.Float("scale"))
	})
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// headDots is s_kj = q_k·k_jk: q [B C], k [B N C] to [B H N].
func headDots(v *graph.Value, out, q, k *Tensor) {
	n, heads := k.Shape[1].Size, v.Int("heads")
	p := q.Shape.Last() / heads
	rows(out, func(i int, row []float64) {
		b, h := i/heads, i%heads
		for j := range row {
			row[j] = dot(q.Row(b)[h*p:(h+1)*p], k.Row(b*n + j)[h*p:(h+1)*p])
		}
	})
}

// headQuery is t_k = w_k·U_k: [B R], U [R C] to [B H C].
func headQuery(v *graph.Value, out, w, u *Tensor) {
	heads := v.Int("heads")
	p := w.Shape.Last() / heads
	rows(out, func(i int, row []float64) {
		b, h := i/heads, i%heads
		for e := h * p; e < (h+1)*p; e++ {
			for j, x := range u.Row(e) {
				row[j] += w.Row(b)[e] * x
			}
		}
	})
}

// headScores is s_kj = r_j·(x_j·t_k): x [B N C], t [B H C] to [B H N].
func headScores(v *graph.Value, out *Tensor, args []*Tensor) {
	x, t := args[0], args[1]
	n, heads := x.Shape[1].Size, t.Shape[1].Size
	scale := rowScaleOf(v, x, args[2])
	rows(out, func(i int, row []float64) {
		b := i / heads
		for j := range row {
			row[j] = dot(x.Row(b*n+j), t.Row(i))
			if scale != nil {
				row[j] *= scale[b*n+j]
			}
		}
	})
}

// headMix is m_k = Σ_j a_kj·r_j·x_j: a [B H N], x [B N C] to [B H C].
func headMix(out *Tensor, args []*Tensor) {
	a, x := args[0], args[1]
	n, heads := x.Shape[1].Size, a.Shape[1].Size
	scale := args[2]
	rows(out, func(i int, row []float64) {
		b := i / heads
		for j, w := range a.Row(i) {
			if scale != nil {
				w *= scale.Data[b*n+j]
			}
			for c, y := range x.Row(b*n + j) {
				row[c] += w * y
			}
		}
	})
}

// headProject is o_k = U_k·m_k + bias_k: m [B H C], U [R C] to [B R].
func headProject(v *graph.Value, out *Tensor, args []*Tensor) {
	m, u, bias := args[0], args[1], args[2]
	heads := v.Int("heads")
	p := out.Shape.Last() / heads
	rows(out, func(b int, row []float64) {
		for e := range row {
			row[e] = dot(u.Row(e), m.Row(b*heads+e/p))
			if bias != nil {
				row[e] += bias.Data[e]
			}
		}
	})
}

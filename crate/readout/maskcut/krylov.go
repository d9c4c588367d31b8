package maskcut

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/crate-vk/crate-vk/graph"
)

// Krylov appends float32 Lanczos steps on a bit matrix [B N W] to a graph, for
// the first cut of every image at once: vectors v_0 … v_(steps−1) and their
// products S·v_k, [B 1 N] each, in that order. KrylovStart makes a start for
// Cut of what a run gives for them.
//
// Whether that pays depends on the device. The host's products cost 0.6 ms at
// 60×60 patches and most pictures need 20 to 40; the refinement in float64
// needs half of them anyway (docs/performance.md). So it is not the default.
func Krylov(g *graph.Graph, bits *graph.Value, steps int) (vectors, products []*graph.Value, err error) {
	eps := graph.Attrs{"eps": epsilon}
	scale, err := g.New(graph.OpDegreeScale, eps, bits)
	if err != nil {
		return nil, nil, err
	}
	args := []*graph.Value{scale}
	for range steps {
		v, err := g.New(graph.OpLanczosNext, nil, args...)
		if err != nil {
			return nil, nil, err
		}
		w, err := g.New(graph.OpAffinityProduct, eps, bits, scale, v)
		if err != nil {
			return nil, nil, err
		}
		args = []*graph.Value{scale, w, v}
		if len(vectors) > 0 {
			args = append(args, vectors[len(vectors)-1])
		}
		vectors, products = append(vectors, v), append(products, w)
	}
	return vectors, products, nil
}

// KrylovStart is the best start in the span of vectors V for one image, with
// products W: the leading solution of VᵀW·s = θ·VᵀV·s by V. In float32 the
// vectors lose their orthogonality once one Ritz pair has converged; what VᵀV
// has less than a thousandth of is left out.
func KrylovStart(vectors, products [][]float32) ([]float64, error) {
	k := len(vectors)
	if k == 0 || len(products) != k {
		return nil, fmt.Errorf("maskcut: %d Krylov vectors with %d products", k, len(products))
	}
	n := len(vectors[0])
	v, w := blas64.General{Rows: k, Cols: n, Stride: n}, blas64.General{Rows: k, Cols: n, Stride: n}
	for i := range k {
		if len(vectors[i]) != n || len(products[i]) != n {
			return nil, fmt.Errorf("maskcut: Krylov vector %d has another length", i)
		}
		for j := range n {
			v.Data, w.Data = append(v.Data, float64(vectors[i][j])), append(w.Data, float64(products[i][j]))
		}
	}
	row := func(m blas64.General, i int) blas64.Vector {
		return blas64.Vector{N: n, Inc: 1, Data: m.Data[i*n : (i+1)*n]}
	}
	h, m := mat.NewSymDense(k, nil), mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			h.SetSym(i, j, (blas64.Dot(row(v, i), row(w, j))+blas64.Dot(row(v, j), row(w, i)))/2)
			m.SetSym(i, j, blas64.Dot(row(v, i), row(v, j)))
		}
	}
	if math.IsNaN(mat.Sum(h)) || math.IsNaN(mat.Sum(m)) {
		return nil, fmt.Errorf("maskcut: the Krylov vectors aren't finite")
	}
	s, err := leading(h, m)
	if err != nil {
		return nil, err
	}
	start := make([]float64, n)
	for i, c := range s {
		blas64.Axpy(c, row(v, i), blas64.Vector{N: n, Inc: 1, Data: start})
	}
	return start, nil
}

// leading is the solution of H·s = θ·M·s with the largest θ, on the part of the
// space where M isn't small.
func leading(h, m *mat.SymDense) ([]float64, error) {
	k := h.SymmetricDim()
	var e mat.EigenSym
	if !e.Factorize(m, true) {
		return nil, fmt.Errorf("maskcut: the Krylov vectors have no metric")
	}
	var q mat.Dense
	e.VectorsTo(&q)
	values := e.Values(nil)
	from := 0 // values ascend
	for from < k-1 && values[from] < 1e-3*values[k-1] {
		from++
	}
	white := mat.NewDense(k, k-from, nil) // M's metric on it is the identity
	for i := range k {
		for j := range k - from {
			white.Set(i, j, q.At(i, from+j)/math.Sqrt(values[from+j]))
		}
	}
	var hw, whw mat.Dense
	hw.Mul(h, white)
	whw.Mul(white.T(), &hw)
	small := mat.NewSymDense(k-from, nil)
	for i := range k - from {
		for j := i; j < k-from; j++ {
			small.SetSym(i, j, (whw.At(i, j)+whw.At(j, i))/2)
		}
	}
	if !e.Factorize(small, true) {
		return nil, fmt.Errorf("maskcut: the Krylov vectors' products aren't finite")
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	var s mat.VecDense
	s.MulVec(white, vectors.ColView(k-from-1))
	return s.RawVector().Data, nil
}

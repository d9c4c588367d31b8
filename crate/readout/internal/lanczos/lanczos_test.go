package lanczos

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestDense takes the leading eigenpairs one after another and compares them
// with a dense solver's, on matrices with known gaps, small and large.
func TestDense(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, n := range []int{1, 2, 3, 7, 50, 96, 97, 98, 130, 260} {
		// Q·diag(1/(i+1))·Qᵀ, Q orthogonal.
		q := mat.NewDense(n, n, nil)
		for i := range n {
			for j := range n {
				q.Set(i, j, r.NormFloat64())
			}
		}
		var qr mat.QR
		qr.Factorize(q)
		qr.QTo(q)
		a := mat.NewSymDense(n, nil)
		for i := range n {
			for j := i; j < n; j++ {
				s := 0.0
				for k := range n {
					s += q.At(i, k) * q.At(j, k) / float64(k+1)
				}
				a.SetSym(i, j, s)
			}
		}
		apply := func(y, x []float64) {
			var out mat.VecDense
			out.MulVec(a, mat.NewVecDense(n, x))
			copy(y, out.RawVector().Data)
		}
		p := Problem{N: n, Apply: apply, Scale: 1}
		for k := range min(n, 4) {
			got := p.Largest(Start(n))
			if got.Residual > 1e-12 || math.Abs(got.Value-1/float64(k+1)) > 1e-12 {
				t.Errorf("n %d: eigenvalue %d is %v with residual %g", n, k, got.Value, got.Residual)
			}
			cos := 0.0
			for i, x := range got.Vector {
				cos += x * q.At(i, k)
			}
			if math.Abs(math.Abs(cos)-1) > 1e-12 {
				t.Errorf("n %d: vector %d has a cosine of %v with the right one", n, k, cos)
			}
			p.Known = append(p.Known, got.Vector)
		}
	}
}

// Nothing is left beside the known vectors.
func TestNothingLeft(t *testing.T) {
	one := []float64{0.6, 0.8, 0}
	p := Problem{N: 3, Scale: 1, Known: [][]float64{one}, Apply: func(y, x []float64) {
		dot := x[0]*one[0] + x[1]*one[1] + x[2]*one[2]
		for i := range y {
			y[i] = dot * one[i]
		}
	}}
	if got := p.Largest(Start(3)); got.Value != 0 || got.Vector[0] != 0 || got.Vector[1] != 0 {
		t.Errorf("found %+v in the null space", got)
	}
}

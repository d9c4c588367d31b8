// Package lanczos finds the largest eigenvalue of a symmetric operator beside
// known eigenvectors, and its vector, to rounding.
//
// It is the thick-restart method with full orthogonalisation. Between products
// all arithmetic on vectors is elementwise, so entries that the operator always
// makes equal come out equal to the last bit. Results don't depend on the
// number of cores.
package lanczos

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/crate-vk/crate-vk/crate/readout/internal/cores"
)

// Sizes of the iteration. With 96 vectors of 3600 entries a step's
// orthogonalisation costs about as much as a product of MaskCut's, and almost
// every image is done before a restart.
const (
	basisSize   = 96   // vectors between restarts
	keptSize    = 32   // Ritz vectors that a restart keeps
	checkEvery  = 8    // steps between looks at the residual
	maxProducts = 6000 // where to give up; pictures take 20 to 100
	goal        = 2e-15
)

// Problem is an operator S on vectors of N entries.
type Problem struct {
	N     int
	Apply func(y, x []float64) // y = S·x, in different memory
	Scale float64              // about the largest |eigenvalue|: what residuals are compared with
	Known [][]float64          // eigenvectors of length 1 that are projected out
}

// Pair is an eigenvalue and its vector.
type Pair struct {
	Value    float64
	Vector   []float64 // of length 1; zero if S has nothing beside the known vectors
	Residual float64   // ‖S·Vector − Value·Vector‖
	Products int       // products that it took
}

type solver struct {
	Problem
	basis  []blas64.Vector // the known vectors, then the Krylov basis
	known  int
	ritz   [][]float64 // S on the Krylov basis
	image  []float64   // scratch
	number int         // products so far
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

// Largest solves from a start vector, which needs no more than a component
// along the answer.
func (p Problem) Largest(start []float64) Pair {
	none := Pair{Vector: make([]float64, p.N)}
	size := min(basisSize, p.N-len(p.Known))
	if size < 1 {
		return none
	}
	s := &solver{Problem: p, known: len(p.Known), image: make([]float64, p.N), ritz: make([][]float64, size)}
	for i := range s.ritz {
		s.ritz[i] = make([]float64, size)
	}
	for _, k := range p.Known {
		s.basis = append(s.basis, vector(k))
	}
	slab := make([]float64, (size+1)*p.N)
	for i := range size + 1 {
		s.basis = append(s.basis, vector(slab[i*p.N:(i+1)*p.N]))
	}
	// The start is S·start, whose equal entries are those of every product.
	first := s.krylov(0)
	s.apply(first.Data, start)
	norm := s.orthogonalise(first, s.known, nil)
	if norm <= 1e-14*p.Scale*blas64.Nrm2(vector(start)) {
		none.Products = s.number
		return none
	}
	blas64.Scal(1/norm, first)
	return s.iterate(size)
}

func (s *solver) iterate(size int) Pair {
	best := Pair{Residual: math.Inf(1)}
	for k := 0; ; {
		beta := s.step(k)
		k++
		exhausted := beta < 1e-14*s.Scale
		if k < size && k%checkEvery != 0 && !exhausted {
			continue
		}
		values, vectors := s.eigen(k)
		if beta*math.Abs(vectors.At(k-1, k-1)) <= goal*s.Scale || exhausted || k == size {
			if r := s.combine(vectors, k); r.Residual < best.Residual {
				best = r
			}
			best.Products = s.number
			if best.Residual <= 100*goal*s.Scale || exhausted || k == s.N-s.known || s.number >= maxProducts {
				return best
			}
		}
		if k == size {
			k = s.restart(values, vectors)
		}
	}
}

func (s *solver) krylov(i int) blas64.Vector { return s.basis[s.known+i] }

func (s *solver) apply(y, x []float64) {
	s.Apply(y, x)
	s.number++
}

// step extends the basis by S times its vector k, and returns the length of
// what is new in it.
func (s *solver) step(k int) float64 {
	next := s.krylov(k + 1)
	s.apply(next.Data, s.krylov(k).Data)
	dots := make([]float64, s.known+k+1)
	beta := s.orthogonalise(next, len(dots), dots)
	for i, h := range dots[s.known:] {
		s.ritz[i][k], s.ritz[k][i] = h, h
	}
	if beta > 0 {
		blas64.Scal(1/beta, next)
	}
	return beta
}

// orthogonalise takes from w its components along the first m basis vectors,
// twice, adds them to total unless nil, and returns what is left of its length.
func (s *solver) orthogonalise(w blas64.Vector, m int, total []float64) float64 {
	dots := make([]float64, m)
	for range 2 {
		cores.Ranges(m, 16, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				dots[i] = blas64.Dot(s.basis[i], w)
			}
		})
		cores.Ranges(w.N, 1024, func(lo, hi int) {
			part := vector(w.Data[lo:hi])
			for i, c := range dots {
				blas64.Axpy(-c, vector(s.basis[i].Data[lo:hi]), part)
			}
		})
		for i := range total {
			total[i] += dots[i]
		}
	}
	return blas64.Nrm2(w)
}

// eigen solves the Ritz problem of the first k vectors; values ascend.
func (s *solver) eigen(k int) (values []float64, vectors *mat.Dense) {
	m := mat.NewSymDense(k, nil)
	for i := range k {
		for j := range i + 1 {
			m.SetSym(i, j, s.ritz[i][j])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, true) {
		panic("lanczos: the Ritz problem has no eigenvalues: a product was not finite")
	}
	vectors = new(mat.Dense)
	e.VectorsTo(vectors)
	return e.Values(nil), vectors
}

// combine makes the Ritz vector of the largest value and measures it.
func (s *solver) combine(vectors *mat.Dense, k int) Pair {
	r := Pair{Vector: make([]float64, s.N)}
	x, image := vector(r.Vector), vector(s.image)
	for i := range k {
		blas64.Axpy(vectors.At(i, k-1), s.krylov(i), x)
	}
	blas64.Scal(1/s.orthogonalise(x, s.known, nil), x)
	s.apply(s.image, r.Vector)
	r.Value = blas64.Dot(x, image)
	blas64.Axpy(-r.Value, x, image)
	r.Residual = blas64.Nrm2(image)
	return r
}

// restart replaces a full basis by the Ritz vectors of the largest values,
// behind them the vector that the next step starts from, and returns their
// number.
func (s *solver) restart(values []float64, vectors *mat.Dense) int {
	size := len(values)
	kept := min(keptSize, size-2)
	fresh := make([]float64, kept*s.N)
	cores.Ranges(kept, 4, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			x := vector(fresh[j*s.N : (j+1)*s.N])
			for i := range size {
				blas64.Axpy(vectors.At(i, size-1-j), s.krylov(i), x)
			}
		}
	})
	for i := range s.ritz {
		clear(s.ritz[i])
	}
	for j := range kept {
		copy(s.krylov(j).Data, fresh[j*s.N:(j+1)*s.N])
		s.ritz[j][j] = values[size-1-j]
	}
	copy(s.krylov(kept).Data, s.krylov(size).Data)
	return kept
}

// Start is a vector without any symmetry that a picture could have, so that it
// has a component along every eigenvector: the numbers of its entries, hashed
// to −1 … 1.
func Start(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		h := (uint64(i) + 1) * 0x9E3779B97F4A7C15
		h = (h ^ h>>31) * 0xBF58476D1CE4E5B9
		x[i] = float64(int64(h^h>>29)) / (1 << 63)
	}
	return x
}

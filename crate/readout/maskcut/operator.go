package maskcut

import (
	"math"
	"math/bits"
	"slices"

	"github.com/crate-vk/crate-vk/crate/readout/internal/cores"
)

// epsilon is the affinity of patches that are not alike, and of painted ones.
const epsilon = 1e-5

// operator is the symmetric form of the normalised affinity,
//
//	S = D^(-1/2)·A·D^(-1/2),  A = ε·11ᵀ + (1−ε)·B,  D = diag(row sums of A)
//
// with B the bit matrix in which the rows and columns of painted patches are
// cleared. Its eigenvalues are 1 − λ of (D − A)v = λDv, its eigenvectors
// D^(1/2)·v; the largest eigenvalue is 1, with D^(1/2)·1.
type operator struct {
	n     int
	lines []uint32  // [Words][n]: B by columns of words, as the product reads it
	root  []float64 // D^(1/2)
	inv   []float64 // D^(-1/2)
	z     []float64 // scratch
	flat  bool      // all rows of A are equal
}

// newOperator gathers B without the painted patches, none of them if nil.
func newOperator(a *Affinity, painted []bool) *operator {
	n := a.N
	s := &operator{n: n, lines: make([]uint32, n*a.Words), root: make([]float64, n), inv: make([]float64, n), z: make([]float64, 32*a.Words)}
	live := make([]uint32, a.Words)
	for i := range n {
		if painted == nil || !painted[i] {
			live[i/32] |= 1 << (i % 32)
		}
	}
	full, empty := 0, 0
	for i := range n {
		degree := 0
		if live[i/32]>>(i%32)&1 != 0 {
			for g, w := range a.Bits[i*a.Words : (i+1)*a.Words] {
				w &= live[g]
				s.lines[g*n+i] = w
				degree += bits.OnesCount32(w)
			}
		}
		switch degree {
		case n:
			full++
		case 0:
			empty++
		}
		d := epsilon*float64(n) + (1-epsilon)*float64(degree)
		s.root[i], s.inv[i] = math.Sqrt(d), 1/math.Sqrt(d)
	}
	s.flat = full == n || empty == n
	return s
}

// top is the eigenvector of the largest eigenvalue, D^(1/2)·1 of length 1.
func (s *operator) top() []float64 {
	x, sum := slices.Clone(s.root), 0.0
	for _, r := range x {
		sum += float64(r * r)
	}
	for i := range x {
		x[i] /= math.Sqrt(sum)
	}
	return x
}

// apply is y = S·x. Patches with equal rows of A get equal y, to the last bit,
// whatever x is: their sums have the same terms in the same order.
func (s *operator) apply(y, x []float64) {
	sum := 0.0
	for i, v := range x {
		s.z[i] = v * s.inv[i]
		sum += s.z[i]
	}
	base := epsilon * sum
	cores.Ranges(s.n, 512, func(lo, hi int) {
		y := y[lo:hi]
		s.product(y, lo)
		for i, r := range s.inv[lo:hi] {
			y[i] = (float64((1-epsilon)*y[i]) + base) * r
		}
	})
}

// product is y = B·z for the rows from lo on. Eight columns of B are a byte of a
// row. For each group of eight columns the sums of z over all 256 sets of them are
// tabulated once, and every row then looks up the sum that belongs to its byte
// instead of adding up to eight numbers (the method of four Russians).
func (s *operator) product(y []float64, lo int) {
	clear(y)
	var t0, t1, t2, t3 [256]float64
	for g := range len(s.lines) / s.n {
		z := s.z[32*g : 32*g+32]
		subsetSums(&t0, z[0:8])
		subsetSums(&t1, z[8:16])
		subsetSums(&t2, z[16:24])
		subsetSums(&t3, z[24:32])
		line := s.lines[g*s.n+lo:][:len(y)]
		for i, w := range line {
			y[i] += (t0[uint8(w)] + t1[uint8(w>>8)]) + (t2[uint8(w>>16)] + t3[uint8(w>>24)])
		}
	}
}

// subsetSums fills t[b] with the sum of z[k] over the bits k of b.
func subsetSums(t *[256]float64, z []float64) {
	t[0] = 0
	for k, v := range z[:8] {
		half := t[:2<<k]
		low, high := half[:1<<k], half[1<<k:]
		for m, sum := range low {
			high[m] = sum + v
		}
	}
}

package maskcut

import (
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate/readout/internal/lanczos"
)

// Cut is the relaxed normalised cut of the patches that aren't painted: the
// second-smallest solution of (D − A)v = λDv.
type Cut struct {
	// Vector is v with vᵀDv = 1, its entry of largest magnitude positive (of
	// equal ones the first). It is zero where all rows of A are equal: every
	// vector is a solution then, and none tells patches apart.
	Vector []float64
	// Lambda is λ in 0 … 1, the relaxed value of the cut: near 0 where the two
	// sides have little in common.
	Lambda float64
	// Residual is ‖S·u − (1−λ)·u‖ of the symmetric form, u = D^(1/2)·v of
	// length 1.
	Residual float64
	Products int // bit-matrix products that it took
}

// tie is the share of the largest magnitude below which entries are equal.
const tie = 1e-9

// Cut solves for the patches that aren't painted; painted may be nil.
func (a *Affinity) Cut(painted []bool) (*Cut, error) {
	if painted != nil && len(painted) != a.N {
		return nil, fmt.Errorf("maskcut: %d painted, want %d patches", len(painted), a.N)
	}
	s := newOperator(a, painted)
	c := &Cut{Vector: make([]float64, a.N), Lambda: 1}
	if s.flat {
		return c, nil
	}
	p := lanczos.Problem{N: a.N, Apply: s.apply, Scale: 1, Known: [][]float64{s.top()}}.Largest(lanczos.Start(a.N))
	for i, u := range p.Vector {
		c.Vector[i] = u * s.inv[i]
	}
	c.Lambda, c.Residual, c.Products = 1-p.Value, p.Residual, p.Products
	if seed, _ := largest(c.Vector, math.Abs); c.Vector[seed] < 0 {
		for i := range c.Vector {
			c.Vector[i] = -c.Vector[i]
		}
	}
	return c, nil
}

// largest is the lowest index at which f comes within a tie of its maximum
// over v, and that maximum.
func largest(v []float64, f func(float64) float64) (at int, top float64) {
	top = math.Inf(-1)
	for _, x := range v {
		top = max(top, f(x))
	}
	for i, x := range v {
		if f(x) >= (1-tie)*top {
			return i, top
		}
	}
	return 0, top
}

// sides is steps 5 to 7 of numerics 4.4 on a vector whose sign is fixed: which
// patches are on the object's side, and the patch that its component grows
// from. Corners are the patches at the grid's corners; three of them on the
// positive side make that side the background. TokenCut has no such rule: nil.
func sides(v []float64, corners []int) (side []bool, seed int) {
	seed, top := largest(v, math.Abs)
	mean := 0.0
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	side = make([]bool, len(v))
	for i, x := range v {
		side[i] = x-mean > tie*top
	}
	inside := 0
	for _, c := range corners {
		if side[c] {
			inside++
		}
	}
	if inside < 3 && side[seed] {
		return side, seed // v[seed] is positive, so it is also the largest
	}
	for i := range side {
		side[i] = !side[i]
	}
	if corners != nil {
		seed, _ = largest(v, func(x float64) float64 { return -x })
	}
	return side, seed
}

// cornersOf lists the grid's corners; a grid one patch wide has each twice.
func cornersOf(rows, columns int) []int {
	return []int{0, columns - 1, (rows - 1) * columns, rows*columns - 1}
}

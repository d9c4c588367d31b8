package parts

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/crate-vk/crate-vk/crate/readout/internal/lanczos"
)

// Moments gathers what components are made of, image by image: the number of
// descriptors, their sum and the sum of their outer products, in float64.
type Moments struct {
	d      int
	count  int
	sum    []float64
	square blas64.General
}

// NewMoments starts with no descriptors of d channels.
func NewMoments(d int) *Moments {
	return &Moments{d: d, sum: make([]float64, d), square: blas64.General{Rows: d, Cols: d, Stride: d, Data: make([]float64, d*d)}}
}

// Add takes descriptors [n d]; where keep isn't nil only those that it marks.
func (m *Moments) Add(descriptors []float32, keep []bool) {
	rows := make([]float64, 0, len(descriptors))
	for i := range len(descriptors) / m.d {
		if keep != nil && !keep[i] {
			continue
		}
		for c, x := range descriptors[i*m.d : (i+1)*m.d] {
			rows = append(rows, float64(x))
			m.sum[c] += float64(x)
		}
	}
	n := len(rows) / m.d
	if n == 0 {
		return
	}
	m.count += n
	a := blas64.General{Rows: n, Cols: m.d, Stride: m.d, Data: rows}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, a, a, 1, m.square)
}

// Count is the number of descriptors.
func (m *Moments) Count() int { return m.count }

// Components are directions in the space of descriptors.
type Components struct {
	mean    []float64 // what is subtracted first: zeros where uncentred
	vectors [][]float64
}

// Components are the k eigenvectors of largest eigenvalue of the covariance, or
// of the second moments where centred is false, largest first.
func (m *Moments) Components(k int, centred bool) (*Components, error) {
	if k > m.d {
		return nil, fmt.Errorf("parts: %d components of descriptors with %d channels", k, m.d)
	}
	c := &Components{mean: make([]float64, m.d)}
	if centred && m.count > 0 {
		for i, s := range m.sum {
			c.mean[i] = s / float64(m.count)
		}
	}
	a := blas64.General{Rows: m.d, Cols: m.d, Stride: m.d, Data: make([]float64, m.d*m.d)}
	trace := 0.0
	for i := range m.d {
		for j := range m.d {
			a.Data[i*m.d+j] = m.square.Data[i*m.d+j]/float64(max(m.count, 1)) - c.mean[i]*c.mean[j]
		}
		trace += a.Data[i*m.d+i]
	}
	if math.IsNaN(trace) || math.IsInf(trace, 0) {
		return nil, fmt.Errorf("parts: one of %d descriptors is not finite", m.count)
	}
	apply := func(y, x []float64) {
		blas64.Gemv(blas.NoTrans, 1, a, blas64.Vector{N: m.d, Inc: 1, Data: x}, 0, blas64.Vector{N: m.d, Inc: 1, Data: y})
	}
	for range k {
		p := lanczos.Problem{N: m.d, Apply: apply, Scale: trace, Known: c.vectors}.Largest(lanczos.Start(m.d))
		c.vectors = append(c.vectors, p.Vector)
	}
	for _, v := range c.vectors {
		pinSign(v)
	}
	return c, nil
}

// pinSign makes the loading of largest magnitude positive; of those within 1e-9
// of it the first decides.
func pinSign(v []float64) {
	top := 0.0
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	for _, x := range v {
		if math.Abs(x) >= (1-1e-9)*top {
			if x < 0 {
				negate(v)
			}
			return
		}
	}
}

func negate(v []float64) {
	for i := range v {
		v[i] = -v[i]
	}
}

// scores are the components of descriptors [n d]: [n k].
func (c *Components) scores(descriptors []float32) []float64 {
	d, k := len(c.mean), len(c.vectors)
	out := make([]float64, len(descriptors)/d*k)
	for i := range len(descriptors) / d {
		row := descriptors[i*d : (i+1)*d]
		for j, v := range c.vectors {
			s := 0.0
			for e, x := range row {
				s += (float64(x) - c.mean[e]) * v[e]
			}
			out[i*k+j] = s
		}
	}
	return out
}

// meanScore is component i's mean score over the descriptors of m.
func (m *Moments) meanScore(c *Components, i int) float64 {
	s := 0.0
	for e, x := range m.sum {
		s += (x/float64(max(m.count, 1)) - c.mean[e]) * c.vectors[i][e]
	}
	return s
}

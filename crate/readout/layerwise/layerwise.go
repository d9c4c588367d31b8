// Package layerwise measures what each layer of a CRATE does, as its authors'
// plots show it (numerics 5): the coding rate R^c of the projected tokens, which the
// attention blocks compress, and the share of exact zeros that the ISTA blocks
// leave.
package layerwise

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Epsilon is the ε of the coding rate. It stands where the papers' formula has
// ε², and is not squared.
const Epsilon = 0.01

// CodingRate is R^c of one layer of one image, in nats. W is the shared
// projection [n heads·p] of the layer's input, n tokens with the class token
// among them. With ŵ_k the rows of head k at length 1 and α = p/(n·ε),
//
//	R^c = ½ Σ_k logdet(I_p + α·ŵ_kᵀŵ_k),
//
// by Sylvester's identity the same as with the n×n Gram matrices. A row of zeros
// has no direction: the rate is NaN then, as in the published code. (unit_rows on a
// device divides by at least 1e-12, so that CodingRateOfGrams is finite there.)
func CodingRate[F float32 | float64](w []F, n, heads int) float64 {
	c := len(w) / n
	p := c / heads
	unit := blas64.General{Rows: n, Cols: p, Stride: p, Data: make([]float64, n*p)}
	gram := make([]float64, heads*p*p)
	for k := range heads {
		for i := range n {
			row, sum := unit.Data[i*p:(i+1)*p], 0.0
			for e, x := range w[i*c+k*p : i*c+(k+1)*p] {
				row[e] = float64(x)
				sum += row[e] * row[e]
			}
			for e := range row {
				row[e] /= math.Sqrt(sum)
			}
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, unit, unit, 0,
			blas64.General{Rows: p, Cols: p, Stride: p, Data: gram[k*p*p : (k+1)*p*p]})
	}
	return rate(gram, n, heads, p)
}

// CodingRateOfGrams is CodingRate from the heads' Gram matrices ŵ_kᵀŵ_k
// [heads p p], which the graph ops unit_rows and head_gram compute on a device.
func CodingRateOfGrams[F float32 | float64](grams []F, n, heads int) float64 {
	gram := make([]float64, len(grams))
	for i, x := range grams {
		gram[i] = float64(x)
	}
	return rate(gram, n, heads, int(math.Sqrt(float64(len(grams)/heads))))
}

// rate is ½ Σ_k logdet(I + α·gram_k), by Cholesky.
func rate(gram []float64, n, heads, p int) float64 {
	alpha := float64(p) / (float64(n) * Epsilon)
	sum := 0.0
	for k := range heads {
		a := mat.NewSymDense(p, nil)
		for i := range p {
			for j := i; j < p; j++ {
				x := alpha * gram[(k*p+i)*p+j]
				if i == j {
					x++
				}
				a.SetSym(i, j, x)
			}
		}
		var c mat.Cholesky
		if !c.Factorize(a) {
			return math.NaN() // I plus a Gram matrix is positive: something wasn't finite
		}
		sum += c.LogDet() / 2
	}
	return sum
}

// ZeroShare is the share of exact zeros in the output of an ISTA block. Count
// before any rounding to half precision, which makes zeros of its own.
func ZeroShare(x []float32) float64 {
	zeros := 0
	for _, v := range x {
		if v == 0 {
			zeros++
		}
	}
	return float64(zeros) / float64(len(x))
}

// Series is a measure of one layer, image by image.
type Series []float64

// Mean is the mean over the images, NaN of none.
func (s Series) Mean() float64 {
	sum := 0.0
	for _, x := range s {
		sum += x
	}
	return sum / float64(len(s))
}

// Deviation is the unbiased standard deviation over the images, which the plot
// of R^c has as its error bar: 0 for one image.
func (s Series) Deviation() float64 {
	if len(s) < 2 {
		return 0
	}
	return math.Sqrt(s.squares() / float64(len(s)-1))
}

// PopulationDeviation is the biased standard deviation, which the plot of
// sparsity has.
func (s Series) PopulationDeviation() float64 {
	if len(s) == 0 {
		return 0
	}
	return math.Sqrt(s.squares() / float64(len(s)))
}

func (s Series) squares() float64 {
	mean, sum := s.Mean(), 0.0
	for _, x := range s {
		sum += (x - mean) * (x - mean)
	}
	return sum
}

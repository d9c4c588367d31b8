package interp

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// normalise is (x/255 − mean)/std from interleaved to planar: [B Y X 3] to
// [B 3 Y X].
func normalise(v *graph.Value, out, pixels *Tensor) {
	mean, std := v.Floats("mean"), v.Floats("std")
	s := pixels.Shape
	plane := s[1].Size * s[2].Size
	for b := range s[0].Size {
		for c := range 3 {
			for i := range plane {
				out.Data[(b*3+c)*plane+i] = (pixels.Data[(b*plane+i)*3+c]/255 - mean[c]) / std[c]
			}
		}
	}
}

// patchify cuts [B 3 Y X] into [B N P·P·3]; element (a·P+b)·3+c of token
// (r, s) is image[c][r·P+a][s·P+b] (numerics 1.1).
func patchify(p int, out, image *Tensor) {
	height, width := image.Shape[2].Size, image.Shape[3].Size
	gw := width / p
	n := out.Shape[1].Size
	rows(out, func(i int, row []float64) {
		b, t := i/n, i%n
		r, s := t/gw, t%gw
		for j := range row {
			c, x, y := j%3, j/3%p, j/3/p
			row[j] = image.Data[((b*3+c)*height+r*p+y)*width+s*p+x]
		}
	})
}

// prepend puts the rows of tokens before each image's tokens.
func prepend(out, x, tokens *Tensor) {
	n, k := x.Shape[1].Size, tokens.Shape[0].Size
	rows(out, func(i int, row []float64) {
		if b, t := i/(n+k), i%(n+k); t < k {
			copy(row, tokens.Row(t))
		} else {
			copy(row, x.Row(b*n+t-k))
		}
	})
}

// embed puts the first k rows of table before the tokens x, where k is the number
// of rows that table has more than x, and adds one further row of table to each
// token. With the attribute eps the tokens are gain∘standardise(x), else x itself.
func embed(v *graph.Value, out, x, table, gain *Tensor) {
	n := out.Shape[1].Size
	k := n - x.Shape[1].Size
	_, norm := v.Attrs["eps"]
	rows(out, func(i int, row []float64) {
		b, t := i/n, i%n
		copy(row, table.Row(t))
		if t < k {
			return
		}
		in := x.Row(b*(n-k) + t - k)
		m, r := 0.0, 1.0
		if norm {
			m, r = mean(in), 1/math.Sqrt(variance(in)+v.Float("eps"))
		}
		for j := range row {
			y := (in[j] - m) * r
			if gain != nil {
				y *= gain.Data[j]
			}
			row[j] += y
		}
	})
}

// convAsLinear reorders a convolution kernel: W[o][(a·P+b)·3+c] = K[o][c][a][b].
func convAsLinear(out, kernel *Tensor) {
	p := kernel.Shape[2].Size
	rows(out, func(o int, row []float64) {
		for j := range row {
			c, b, a := j%3, j/3%p, j/3/p
			row[j] = kernel.Data[((o*3+c)*p+a)*p+b]
		}
	})
}

// resamplePositions resamples the grid part of a position table (numerics 3).
func resamplePositions(v *graph.Value, out, table *Tensor) {
	k, c := v.Int("prefix"), table.Shape.Last()
	gh, gw := v.Int("rows"), v.Int("columns")
	th, tw := v.Int("torows"), v.Int("tocolumns")
	rh := bicubicMatrix(gh, th, v.Float("rowscale"))
	rw := bicubicMatrix(gw, tw, v.Float("columnscale"))
	copy(out.Data, table.Data[:k*c])
	// First along columns, then along rows: both are linear, so their order
	// only matters for the work.
	mid := make([]float64, gh*tw*c)
	for i := range gh {
		for b := range tw {
			for j, w := range rw[b] {
				if w == 0 {
					continue
				}
				for e := range c {
					mid[(i*tw+b)*c+e] += w * table.Data[(k+i*gw+j)*c+e]
				}
			}
		}
	}
	for a := range th {
		for i, w := range rh[a] {
			if w == 0 {
				continue
			}
			for b := range tw {
				for e := range c {
					out.Data[(k+a*tw+b)*c+e] += w * mid[(i*tw+b)*c+e]
				}
			}
		}
	}
}

// bicubicMatrix is the out×in matrix of bicubic interpolation with a = −0.75 at
// sampling scale sigma; weights beyond the border accumulate on it (numerics 3).
func bicubicMatrix(in, out int, sigma float64) [][]float64 {
	r := make([][]float64, out)
	for o := range r {
		r[o] = make([]float64, in)
		x := (float64(o)+0.5)/sigma - 0.5
		f := math.Floor(x)
		for k := -1; k <= 2; k++ {
			at := min(max(int(f)+k, 0), in-1)
			r[o][at] += cubic(float64(k) - (x - f))
		}
	}
	return r
}

// cubic is the interpolation kernel κ with a = −0.75 (numerics 3).
func cubic(s float64) float64 {
	const a = -0.75
	switch s = math.Abs(s); {
	case s <= 1:
		return ((a+2)*s-(a+3))*s*s + 1
	case s < 2:
		return ((a*s-5*a)*s+8*a)*s - 4*a
	}
	return 0
}

// meanRows is the mean of each image's tokens from row first on.
func meanRows(out, x *Tensor, first int) {
	n := x.Shape[1].Size
	for b := range x.Shape[0].Size {
		row := out.Row(b)
		for t := first; t < n; t++ {
			for j, v := range x.Row(b*n + t) {
				row[j] += v
			}
		}
		for j := range row {
			row[j] /= float64(n - first)
		}
	}
}

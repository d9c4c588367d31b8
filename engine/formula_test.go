package engine

import (
	"math"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// formula is one image's way through a model, written out in float64 from the
// papers' formulas, without packages crate and graph. A tensor is made when it
// is first used, under the name and in the shape of the published checkpoints:
// together they are the file that the engine has to read.
type formula struct {
	patch, dim, inner, heads, depth int
	native, grid                    [2]int // patches down and across: of the position table, of the image
	eta, lambda                     float64
	image                           [][]float64 // per channel, normalised

	tensors map[string]weights.Tensor
	out     map[string][]float64
}

// rows is a matrix, one token a row.
type rows [][]float64

// w is a tensor of the file, row-major.
func (f *formula) w(name string, shape ...int) []float64 {
	if t, ok := f.tensors[name]; ok {
		if !slices.Equal(t.Shape, shape) {
			panic("formula: two shapes of " + name)
		}
		return t.F64
	}
	n := 1
	for _, s := range shape {
		n *= s
	}
	mean, dev := 0.0, 1.2/math.Sqrt(float64(n/shape[0]))
	switch {
	case len(shape) == 1 && strings.HasSuffix(name, "weight"):
		mean, dev = 1, 0.2 // a norm's gain
	case len(shape) == 1:
		dev = 0.2
	case shape[0] == 1:
		dev = 0.5 // tokens and tables
	case strings.HasSuffix(name, ".D") || strings.HasSuffix(name, ".D1"):
		dev = 0.6 / math.Sqrt(float64(shape[0]))
	}
	r, x := prove.Random(name), make([]float64, n)
	for i := range x {
		x[i] = float64(float32(mean + dev*r.NormFloat64()))
	}
	f.tensors[name] = weights.Tensor{Name: name, DType: weights.F32, Shape: shape, F64: x}
	return x
}

// linear is x·Wᵀ + b, W as in the file: out × in.
func linear(x rows, w []float64, out int, b []float64) rows {
	y := make(rows, len(x))
	for i := range x {
		y[i] = make([]float64, out)
		for o := range out {
			if b != nil {
				y[i][o] = b[o]
			}
			for k, v := range x[i] {
				y[i][o] += v * w[o*len(x[i])+k]
			}
		}
	}
	return y
}

// times is x·D for D as in the file: in × out.
func times(x rows, d []float64, out int) rows {
	y := make(rows, len(x))
	for i := range x {
		y[i] = make([]float64, out)
		for k, v := range x[i] {
			for o := range out {
				y[i][o] += v * d[k*out+o]
			}
		}
	}
	return y
}

// join makes c[i][j] = g(a[i][j], b[i][j]).
func joined(a, b rows, g func(a, b float64) float64) rows {
	c := make(rows, len(a))
	for i := range a {
		c[i] = make([]float64, len(a[i]))
		for j := range a[i] {
			c[i][j] = g(a[i][j], b[i][j])
		}
	}
	return c
}

func plus(a, b rows) rows { return joined(a, b, func(a, b float64) float64 { return a + b }) }

func (f *formula) norm(x rows, name string, eps float64) rows {
	d := len(x[0])
	g, b := f.w(name+".weight", d), f.w(name+".bias", d)
	y := make(rows, len(x))
	for i, row := range x {
		mean, v := 0.0, 0.0
		for _, a := range row {
			mean += a / float64(d)
		}
		for _, a := range row {
			v += (a - mean) * (a - mean) / float64(d)
		}
		y[i] = make([]float64, d)
		for j, a := range row {
			y[i][j] = (a-mean)/math.Sqrt(v+eps)*g[j] + b[j]
		}
	}
	return y
}

// attend is softmax(q·kᵀ·p^(−1/2))·v, head by head; maps are [h n n].
func (f *formula) attend(q, k, v rows) (o rows, maps []float64) {
	n, p := len(q), f.inner/f.heads
	o = make(rows, n)
	for i := range o {
		o[i] = make([]float64, f.inner)
	}
	for h := range f.heads {
		for i := range n {
			a, sum := make([]float64, n), 0.0
			for j := range n {
				for c := h * p; c < (h+1)*p; c++ {
					a[j] += q[i][c] * k[j][c]
				}
				a[j] = math.Exp(a[j] / math.Sqrt(float64(p)))
				sum += a[j]
			}
			for j := range n {
				a[j] /= sum
				for c := h * p; c < (h+1)*p; c++ {
					o[i][c] += a[j] * v[j][c]
				}
			}
			maps = append(maps, a...)
		}
	}
	return o, maps
}

func (f *formula) mlp(x rows, first, second string) rows {
	hidden := 3*f.dim + 1
	y := linear(x, f.w(first+".weight", hidden, f.dim), hidden, f.w(first+".bias", hidden))
	y = joined(y, y, func(a, _ float64) float64 { return a * (1 + math.Erf(a/math.Sqrt2)) / 2 })
	return linear(y, f.w(second+".weight", f.dim, hidden), f.dim, f.w(second+".bias", f.dim))
}

// ista is prox(z + η(z·D − (z·Dᵀ)·D)).
func (f *formula) ista(z rows, d []float64, soft bool) rows {
	grad := joined(times(z, d, f.dim), times(linear(z, d, f.dim, nil), d, f.dim), func(a, b float64) float64 { return a - b })
	return joined(z, grad, func(z, g float64) float64 {
		x, cut := z+f.eta*g, f.eta*f.lambda
		if soft {
			return math.Copysign(max(math.Abs(x)-cut, 0), x)
		}
		return max(0, x-cut)
	})
}

// odl is two proximal steps from zero on D, decoded with D₁ (numerics 1.3).
func (f *formula) odl(x rows, d, d1 []float64, wide int) rows {
	e := times(x, d, wide)
	e = joined(e, e, func(e, _ float64) float64 { return f.eta*e - f.eta*f.lambda })
	z1 := joined(e, e, func(e, _ float64) float64 { return max(0, e) })
	back := times(linear(z1, d, f.dim, nil), d, wide)
	z2 := plus(joined(z1, back, func(z, g float64) float64 { return z - f.eta*g }), e)
	return linear(joined(z2, z2, func(z, _ float64) float64 { return max(0, z) }), d1, f.dim, nil)
}

// patches are the patch vectors in CRATE's order (row, column, colour), or in a
// convolution's (colour, row, column).
func (f *formula) patches(conv bool) rows {
	p, width := f.patch, f.grid[1]*f.patch
	var x rows
	for r := range f.grid[0] {
		for s := range f.grid[1] {
			v := make([]float64, 3*p*p)
			for a := range p {
				for b := range p {
					for c := range 3 {
						at := (a*p+b)*3 + c
						if conv {
							at = (c*p+a)*p + b
						}
						v[at] = f.image[c][(r*p+a)*width+s*p+b]
					}
				}
			}
			x = append(x, v)
		}
	}
	return x
}

func (f *formula) convolve(name string) rows {
	return linear(f.patches(true), f.w(name+".weight", f.dim, 3, f.patch, f.patch), f.dim, f.w(name+".bias", f.dim))
}

// positions is the table for the image's grid: as stored, or resampled where
// that is another one (numerics 3).
func (f *formula) positions(name string, prefix int) rows {
	n, d := prefix+f.native[0]*f.native[1], f.dim
	table := f.w(name, 1, n, d)
	row := func(i int) []float64 { return table[i*d : (i+1)*d] }
	var out rows
	for i := range prefix {
		out = append(out, row(i))
	}
	if f.grid == f.native {
		for i := prefix; i < n; i++ {
			out = append(out, row(i))
		}
		return out
	}
	for a := range f.grid[0] {
		for b := range f.grid[1] {
			y := make([]float64, d)
			for i, wi := range taps(a, f.native[0], f.grid[0]) {
				for j, wj := range taps(b, f.native[1], f.grid[1]) {
					for c := range y {
						y[c] += wi * wj * row(prefix + i*f.native[1] + j)[c]
					}
				}
			}
			out = append(out, y)
		}
	}
	return out
}

// taps are the weights of sample o on an axis of in entries resampled to out.
func taps(o, in, out int) []float64 {
	w := make([]float64, in)
	x := (float64(o)+0.5)/((float64(out)+0.1)/float64(in)) - 0.5
	for k := -1.0; k <= 2; k++ {
		s, v := math.Abs(k-(x-math.Floor(x))), 0.0
		switch {
		case s <= 1:
			v = 1.25*s*s*s - 2.25*s*s + 1
		case s < 2:
			v = -0.75*s*s*s + 3.75*s*s - 6*s + 3
		}
		w[min(max(int(math.Floor(x)+k), 0), in-1)] += v
	}
	return w
}

// embed puts the prefix tokens in front and adds the positions.
func (f *formula) embed(x rows, table string, prefix ...string) rows {
	var all rows
	for _, name := range prefix {
		all = append(all, f.w(name, 1, 1, f.dim))
	}
	return plus(append(all, x...), f.positions(table, len(prefix)))
}

// mean of some rows, as a matrix of one row.
func mean(x rows) rows {
	m := make([]float64, len(x[0]))
	for _, row := range x {
		for j, v := range row {
			m[j] += v / float64(len(x))
		}
	}
	return rows{m}
}

// read records what a layer shows.
func (f *formula) read(name string, x rows) {
	if f.out != nil {
		f.out[name] = slices.Concat(x...)
	}
}

// hide puts the mask token in the place of the patches that a mask hides.
func (f *formula) hide(x rows, kept, seed int) rows {
	y := slices.Clone(x)
	for i, k := range interp.Kept(len(x), kept, seed) {
		if k == 0 {
			y[i] = f.w("mask_token", 1, 1, f.dim)
		}
	}
	return y
}

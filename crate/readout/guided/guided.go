package guided

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Options of the filter.
type Options struct {
	// Radius of the windows in pixels of the model's input: a window is
	// (2·Radius+1)² pixels. 0 takes the patch side, as a mask of patches is
	// uncertain by about that much.
	Radius int
	// Epsilon is the variance of a colour, in 0 … 1, below which an edge isn't
	// followed. 0 takes 1e-4, one hundredth of the range squared.
	Epsilon float64
}

// Guide is an image ready to guide any number of maps.
type Guide struct {
	frame         readout.Frame
	image         *picture.RGB // the original
	width, height int          // resized
	radius        int
	colour        [3][]float64 // resized, 0 … 1
	mean          [3][]float64 // over windows
	inverse       [6][]float64 // (Σ + ε)⁻¹: rr rg rb gg gb bb
}

// New prepares an image for a model's frame. The image is the original, upright
// one.
func New(image *picture.RGB, f readout.Frame, o Options) *Guide {
	if image.Width != f.ImageWidth || image.Height != f.ImageHeight {
		panic(fmt.Sprintf("guided: an image of %d×%d for a frame of %d×%d", image.Width, image.Height, f.ImageWidth, f.ImageHeight))
	}
	if o.Radius == 0 {
		o.Radius = f.Patch
	}
	if o.Epsilon == 0 {
		o.Epsilon = 1e-4
	}
	g := &Guide{frame: f, image: image, width: f.Width, height: f.Height, radius: o.Radius}
	small := picture.Resize(image, f.Width, f.Height, picture.Bilinear)
	n := f.Width * f.Height
	for c := range 3 {
		g.colour[c] = make([]float64, n)
		for i := range n {
			g.colour[c][i] = float64(small.Pix[3*i+c]) / 255
		}
	}
	var squares [6][]float64 // then covariances
	together(9, func(k int) {
		if k < 3 {
			g.mean[k] = g.box(g.colour[k])
			return
		}
		a, b := pair(k - 3)
		product := make([]float64, n)
		for i := range product {
			product[i] = g.colour[a][i] * g.colour[b][i]
		}
		squares[k-3] = g.box(product)
	})
	for k := range squares {
		g.inverse[k] = make([]float64, n)
	}
	for i := range n {
		var s [6]float64
		for k := range s {
			a, b := pair(k)
			s[k] = squares[k][i] - g.mean[a][i]*g.mean[b][i]
		}
		s[0], s[3], s[5] = s[0]+o.Epsilon, s[3]+o.Epsilon, s[5]+o.Epsilon
		for k, x := range invert(s) {
			g.inverse[k][i] = x
		}
	}
	return g
}

// pair is entry k of a symmetric 3×3 matrix: rr rg rb gg gb bb.
func pair(k int) (a, b int) {
	return [6]int{0, 0, 0, 1, 1, 2}[k], [6]int{0, 1, 2, 1, 2, 2}[k]
}

// invert is the inverse of a symmetric positive matrix, by cofactors.
func invert(s [6]float64) [6]float64 {
	rr, rg, rb := s[3]*s[5]-s[4]*s[4], s[2]*s[4]-s[1]*s[5], s[1]*s[4]-s[2]*s[3]
	det := s[0]*rr + s[1]*rg + s[2]*rb
	return [6]float64{rr / det, rg / det, rb / det,
		(s[0]*s[5] - s[2]*s[2]) / det, (s[1]*s[2] - s[0]*s[4]) / det, (s[0]*s[3] - s[1]*s[1]) / det}
}

// Map brings a map of rows × columns cells over the trimmed input (patches or
// pixels of it) to the size of the original image. Values may overshoot the
// map's range a little at edges. The strip that was trimmed away is 0.
func (g *Guide) Map(m []float64, rows, columns int) []float64 {
	p := g.resized(m, rows, columns)
	n := len(p)
	var means [4][]float64 // p, then p·I
	together(4, func(k int) {
		if k == 0 {
			means[0] = g.box(p)
			return
		}
		product := make([]float64, n)
		for i := range product {
			product[i] = p[i] * g.colour[k-1][i]
		}
		means[k] = g.box(product)
	})
	var coefficients [4][]float64 // b, then a
	for k := range coefficients {
		coefficients[k] = make([]float64, n)
	}
	for i := range n {
		var cov [3]float64
		for c := range cov {
			cov[c] = means[1+c][i] - means[0][i]*g.mean[c][i]
		}
		v := func(k int) float64 { return g.inverse[k][i] }
		a := [3]float64{
			v(0)*cov[0] + v(1)*cov[1] + v(2)*cov[2],
			v(1)*cov[0] + v(3)*cov[1] + v(4)*cov[2],
			v(2)*cov[0] + v(4)*cov[1] + v(5)*cov[2]}
		b := means[0][i]
		for c := range a {
			b -= a[c] * g.mean[c][i]
			coefficients[1+c][i] = a[c]
		}
		coefficients[0][i] = b
	}
	together(4, func(k int) { coefficients[k] = g.box(coefficients[k]) })
	return g.enlarge(coefficients)
}

// Mask is Map of a mask, kept above one half.
func (g *Guide) Mask(cells []bool, rows, columns int) *readout.Mask {
	m := make([]float64, len(cells))
	for i, on := range cells {
		if on {
			m[i] = 1
		}
	}
	q := g.Map(m, rows, columns)
	mask := &readout.Mask{Width: g.image.Width, Height: g.image.Height, Pix: make([]uint8, len(q))}
	for i, x := range q {
		if x > 0.5 {
			mask.Pix[i] = 255
		}
	}
	return mask
}

// resized is the map at the size of the resized image: bilinear on the trimmed
// part, its edge repeated over the strip.
func (g *Guide) resized(m []float64, rows, columns int) []float64 {
	w, h := g.frame.TrimmedWidth(), g.frame.TrimmedHeight()
	if rows != h || columns != w {
		m = readout.Bilinear(m, rows, columns, h, w)
	}
	if w == g.width && h == g.height {
		return m
	}
	p := make([]float64, g.width*g.height)
	for i := range p {
		p[i] = m[min(i/g.width, h-1)*w+min(i%g.width, w-1)]
	}
	return p
}

// enlarge applies coefficients, bilinearly enlarged, to the full image.
func (g *Guide) enlarge(coefficients [4][]float64) []float64 {
	width, height := g.image.Width, g.image.Height
	out := make([]float64, width*height)
	xs := readout.NewAxis(g.width, width)
	ys := readout.NewAxis(g.height, height)
	// Which pixels lie in the part that the model saw, as nearest takes it.
	inside := func(o, image, resized, trimmed int) bool { return (2*o+1)*resized/(2*image) < trimmed }
	last := 0
	for last < width && inside(last, width, g.width, g.frame.TrimmedWidth()) {
		last++
	}
	parallel(height, func(lo, hi int) {
		var line [4][]float64
		for k := range line {
			line[k] = make([]float64, g.width)
		}
		for y := lo; y < hi; y++ {
			if !inside(y, height, g.height, g.frame.TrimmedHeight()) {
				break
			}
			for k, c := range coefficients {
				ys.Row(line[k], c, y)
			}
			for x := range last {
				i := y*width + x
				q := xs.At(line[0], x)
				for c := range 3 {
					q += xs.At(line[1+c], x) * float64(g.image.Pix[3*i+c]) / 255
				}
				out[i] = q
			}
		}
	})
	return out
}

// box is the mean of x over windows that are cut off at the borders.
func (g *Guide) box(x []float64) []float64 {
	w, h, r := g.width, g.height, g.radius
	mid, out := make([]float64, len(x)), make([]float64, len(x))
	for y := range h {
		in, to := x[y*w:(y+1)*w], mid[y*w:(y+1)*w]
		sum := 0.0
		for i := range min(r, w) {
			sum += in[i]
		}
		for i := range w {
			if i+r < w {
				sum += in[i+r]
			}
			if i-r-1 >= 0 {
				sum -= in[i-r-1]
			}
			to[i] = sum / float64(min(i+r, w-1)-max(i-r, 0)+1)
		}
	}
	sum := make([]float64, w)
	add := func(y int, sign float64) {
		for i, v := range mid[y*w : (y+1)*w] {
			sum[i] += sign * v
		}
	}
	for y := range min(r, h) {
		add(y, 1)
	}
	for y := range h {
		if y+r < h {
			add(y+r, 1)
		}
		if y-r-1 >= 0 {
			add(y-r-1, -1)
		}
		count := float64(min(y+r, h-1) - max(y-r, 0) + 1)
		for i, v := range sum {
			out[y*w+i] = v / count
		}
	}
	return out
}

// together calls f(0) … f(n−1) at the same time.
func together(n int, f func(k int)) {
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() { f(k) })
	}
	wg.Wait()
}

func parallel(n int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	together(workers, func(w int) { f(w*n/workers, (w+1)*n/workers) })
}

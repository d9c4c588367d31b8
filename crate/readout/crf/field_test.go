package crf

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// bruteForce is the definition with dense kernels and both labels.
func bruteForce(image *picture.RGB, mask []bool, p Params) []float64 {
	n := len(mask)
	pair := func(weight float64, distance func(i, j int) float64) []float64 {
		k := make([]float64, n*n)
		norm := make([]float64, n)
		for i := range n {
			for j := range n {
				k[i*n+j] = math.Exp(-distance(i, j) / 2)
				norm[i] += k[i*n+j]
			}
		}
		for i := range n {
			for j := range n {
				k[i*n+j] *= weight / math.Sqrt(norm[i]*norm[j])
			}
		}
		return k
	}
	square := func(i, j int, sigma float64) float64 {
		dx, dy := float64(i%image.Width-j%image.Width), float64(i/image.Width-j/image.Width)
		return (dx*dx + dy*dy) / (sigma * sigma)
	}
	kernels := [][]float64{
		pair(p.Weight, func(i, j int) float64 { return square(i, j, p.Sigma) }),
		pair(p.BilateralWeight, func(i, j int) float64 {
			d := square(i, j, p.WideSigma)
			for c := range 3 {
				e := (float64(image.Pix[3*i+c]) - float64(image.Pix[3*j+c])) / p.ColourSigma
				d += e * e
			}
			return d
		}),
	}
	// unary = −log softmax([1−m, m])
	unary := make([][2]float64, n)
	for i, on := range mask {
		m := 0.0
		if on {
			m = 1
		}
		z := math.Exp(1-m) + math.Exp(m)
		unary[i] = [2]float64{-math.Log(math.Exp(1-m) / z), -math.Log(math.Exp(m) / z)}
	}
	softmax := func(a [2]float64) [2]float64 {
		z := math.Exp(a[0]) + math.Exp(a[1])
		return [2]float64{math.Exp(a[0]) / z, math.Exp(a[1]) / z}
	}
	q := make([][2]float64, n)
	for i, u := range unary {
		q[i] = softmax([2]float64{-u[0], -u[1]})
	}
	for range p.Iterations {
		next := make([][2]float64, n)
		for i, u := range unary {
			e := [2]float64{-u[0], -u[1]}
			for _, k := range kernels {
				for j, w := range k[i*n : (i+1)*n] {
					e[0] += w * q[j][0]
					e[1] += w * q[j][1]
				}
			}
			next[i] = softmax(e)
		}
		q = next
	}
	out := make([]float64, n)
	for i := range q {
		out[i] = q[i][1]
	}
	return out
}

// scene is a disc on a ground of another colour, with noise, and a coarse mask
// of it.
func scene(r *rand.Rand, width, height int, contrast, noise float64) (*picture.RGB, []bool) {
	image := picture.NewRGB(width, height)
	mask := make([]bool, width*height)
	cx, cy := float64(width)*(0.3+0.4*r.Float64()), float64(height)*(0.3+0.4*r.Float64())
	radius := float64(min(width, height)) * (0.2 + 0.15*r.Float64())
	for i := range mask {
		x, y := float64(i%width), float64(i/width)
		level := 100.0
		if math.Hypot(x-cx, y-cy) < radius {
			level += contrast
		}
		for c := range 3 {
			image.Pix[3*i+c] = uint8(min(max(level+float64(10*c)+noise*r.NormFloat64(), 0), 255))
		}
		// The mask is made of blocks, as patches are.
		bx, by := float64(i%width/4*4)+1.5, float64(i/width/4*4)+1.5
		mask[i] = math.Hypot(bx-cx, by-cy) < radius
	}
	return image, mask
}

// TestBruteForce compares with dense kernels on images small enough for them.
// The lattice is an approximation, so a pixel that the dense field finds nearly
// even may fall on the other side.
func TestBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 6))
	total, wrong, worst := 0, 0, 0.0
	changed := 0
	for range 10 {
		image, mask := scene(r, 24+r.IntN(10), 22+r.IntN(8), 20+60*r.Float64(), 1+3*r.Float64())
		p := Published()
		p.WideSigma, p.Iterations = 12, 5+r.IntN(6)
		want := bruteForce(image, mask, p)
		f := New(image, p)
		got := f.Refine(mask)
		for i, q := range want {
			total++
			if got[i] != (q > 0.5) {
				wrong++
				worst = max(worst, math.Abs(q-0.5))
			}
			if got[i] != mask[i] {
				changed++
			}
		}
	}
	t.Logf("%d of %d pixels differ, %d were redrawn", wrong, total, changed)
	if wrong*200 > total {
		t.Errorf("%d of %d pixels differ from dense kernels (the clearest by %.3f)", wrong, total, worst)
	}
	if changed*50 < total {
		t.Errorf("only %d of %d pixels were redrawn: the test shows nothing", changed, total)
	}
}

// TestLattice compares filtering with exact Gaussian sums, after the symmetric
// normalisation that removes the lattice's gain.
func TestLattice(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, d := range []int{1, 2, 3, 5} {
		bound := 0.02 * float64(d+1) // it gets coarser with the dimensions
		n := 800
		x := make([]float64, n*d)
		for i := range x {
			x[i] = 2 * r.NormFloat64()
		}
		l := newLattice(n, d, func(i int, f []float64) { copy(f, x[i*d:]) })
		in, out := make([]float32, n), make([]float32, n)
		for i := range in {
			in[i] = float32(1 + math.Sin(x[i*d]))
		}
		k := newKernel(1, l)
		k.apply(out, in)
		exact, norm := make([]float64, n), make([]float64, n)
		pair := func(i, j int) float64 {
			s := 0.0
			for c := range d {
				e := x[i*d+c] - x[j*d+c]
				s += e * e
			}
			return math.Exp(-s / 2)
		}
		for i := range n {
			for j := range n {
				norm[i] += pair(i, j)
			}
		}
		square, size := 0.0, 0.0
		for i := range n {
			for j := range n {
				exact[i] += pair(i, j) / math.Sqrt(norm[i]*norm[j]) * float64(in[j])
			}
			square += (exact[i] - float64(out[i])) * (exact[i] - float64(out[i]))
			size += exact[i] * exact[i]
		}
		if e := math.Sqrt(square / size); e > bound {
			t.Errorf("%d dimensions: the relative error is %.3f", d, e)
		} else {
			t.Logf("%d dimensions: the relative error is %.3f", d, e)
		}
	}
}

// A mask that ends a few pixels off an edge is drawn to the edge.
func TestSnapsToEdges(t *testing.T) {
	const side = 96
	image, mask := picture.NewRGB(side, side), make([]bool, side*side)
	object := make([]bool, side*side)
	for i := range mask {
		x, y := i%side, i/side
		object[i] = x >= 30 && x < 70 && y >= 25 && y < 60
		mask[i] = x >= 32 && x < 72 && y >= 24 && y < 64
		if object[i] {
			image.Pix[3*i] = 220
		}
	}
	got := New(image, Published()).Refine(mask)
	off := 0
	for i := range got {
		if got[i] != object[i] {
			off++
		}
	}
	if off > 20 { // the mask itself is off by 310
		t.Errorf("%d pixels are off the object", off)
	}
}

func TestCores(t *testing.T) {
	image, mask := scene(rand.New(rand.NewPCG(1, 1)), 120, 90, 40, 5)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []float32
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		got := New(image, Published()).logits(mask)
		if first == nil {
			first = got
		} else if !slices.Equal(got, first) {
			t.Errorf("%d cores change the result", cores)
		}
	}
}

func BenchmarkField480(b *testing.B) {
	image, _ := scene(rand.New(rand.NewPCG(1, 1)), 480, 480, 60, 8)
	for b.Loop() {
		New(image, Published())
	}
}

func BenchmarkRefine480(b *testing.B) {
	image, mask := scene(rand.New(rand.NewPCG(1, 1)), 480, 480, 60, 8)
	f := New(image, Published())
	for b.Loop() {
		f.Refine(mask)
	}
	b.ReportMetric(float64(f.kernels[1].lattice.vertices), "vertices")
}

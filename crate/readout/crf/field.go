package crf

import (
	"fmt"
	"math"
	"sync"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Params of a field with two labels and Potts compatibility.
type Params struct {
	Iterations int
	// The kernel of distance alone.
	Sigma  float64 // pixels
	Weight float64
	// The kernel of distance and colour.
	WideSigma       float64 // pixels
	ColourSigma     float64 // levels of 8 bits
	BilateralWeight float64
}

// Published are the parameters of MaskCut (numerics 4.8), made for a picture of
// 480×480 pixels.
func Published() Params {
	return Params{Iterations: 10, Sigma: 3, Weight: 7, WideSigma: 50, ColourSigma: 5, BilateralWeight: 10}
}

// Field is the random field of one image: what doesn't depend on the mask.
type Field struct {
	pixels     int
	iterations int
	kernels    []kernel
}

// kernel is one K̂ with its weight.
type kernel struct {
	weight  float32
	lattice *lattice
	norm    []float32 // N^(-1/2), [pixels]
	all     []float32 // K̂·1, [pixels]
}

// New prepares the field of an image. The image is the model's input before
// it was normalised, 8 bits a sample.
func New(image *picture.RGB, p Params) *Field {
	n := image.Width * image.Height
	f := &Field{pixels: n, iterations: p.Iterations}
	f.kernels = make([]kernel, 2)
	var wg sync.WaitGroup
	wg.Go(func() {
		f.kernels[0] = newKernel(p.Weight, newLattice(n, 2, func(i int, x []float64) {
			x[0], x[1] = float64(i%image.Width)/p.Sigma, float64(i/image.Width)/p.Sigma
		}))
	})
	wg.Go(func() {
		f.kernels[1] = newKernel(p.BilateralWeight, newLattice(n, 5, func(i int, x []float64) {
			x[0], x[1] = float64(i%image.Width)/p.WideSigma, float64(i/image.Width)/p.WideSigma
			for c := range 3 {
				x[2+c] = float64(image.Pix[3*i+c]) / p.ColourSigma
			}
		}))
	})
	wg.Wait()
	return f
}

func newKernel(weight float64, l *lattice) kernel {
	n := l.points
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	k := kernel{weight: float32(weight), lattice: l, norm: make([]float32, n), all: make([]float32, n)}
	l.filter(k.norm, ones)
	for i, x := range k.norm {
		k.norm[i] = float32(1 / math.Sqrt(float64(x)+1e-20))
	}
	k.apply(k.all, ones)
	return k
}

// apply is out = K̂·in. The result is not in.
func (k *kernel) apply(out, in []float32) {
	scaled := make([]float32, len(in))
	for i, x := range in {
		scaled[i] = x * k.norm[i]
	}
	k.lattice.filter(out, scaled)
	for i := range out {
		out[i] *= k.norm[i]
	}
}

// Refine redraws a mask [pixels]. Of equal probabilities the background wins.
func (f *Field) Refine(mask []bool) []bool {
	logits := f.logits(mask)
	out := make([]bool, len(mask))
	for i, l := range logits {
		out[i] = l > 0
	}
	return out
}

// logits iterates on the log of the odds, which is all that two labels need:
// the labels' probabilities add up to 1, so their messages add up to K̂·1.
func (f *Field) logits(mask []bool) []float32 {
	if len(mask) != f.pixels {
		panic(fmt.Sprintf("crf: a mask of %d pixels for a field of %d", len(mask), f.pixels))
	}
	logits, q, message := make([]float32, f.pixels), make([]float32, f.pixels), make([]float32, f.pixels)
	unary := func(i int) float32 {
		if mask[i] {
			return 1
		}
		return -1
	}
	for i := range logits {
		logits[i] = unary(i)
	}
	for range f.iterations {
		for i, l := range logits {
			q[i], logits[i] = sigmoid(l), unary(i)
		}
		for _, k := range f.kernels {
			k.apply(message, q)
			for i, m := range message {
				logits[i] += k.weight * (2*m - k.all[i])
			}
		}
	}
	return logits
}

func sigmoid(l float32) float32 { return float32(1 / (1 + math.Exp(-float64(l)))) }

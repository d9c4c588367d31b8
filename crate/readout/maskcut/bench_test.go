package maskcut

import (
	"math/rand/v2"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout/internal/lanczos"
)

// picture60 is 60×60 patches of blobs on a background with a gradient.
func picture60(noise float64) ([]float32, int, int, int) {
	r := rand.New(rand.NewPCG(60, 60))
	const side, d = 60, 384
	region := blobs(r, side, side)
	f := regions(r, side, side, d, noise, region)
	for i := range side * side {
		for c := range d {
			f[i*d+c] += float32(i%side-i/side) / side * float32(c%7-3) / 3
		}
	}
	return f, side, side, d
}

func BenchmarkAffinity60(b *testing.B) {
	f, rows, columns, d := picture60(1)
	for b.Loop() {
		if _, err := NewAffinity(f, rows*columns, d, Tau); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCut60 is one eigen-solve of 3600 patches.
func BenchmarkCut60(b *testing.B) {
	for _, noise := range []struct {
		name string
		size float64
	}{{"clear", 1}, {"noisy", 3}} {
		b.Run(noise.name, func(b *testing.B) {
			f, rows, columns, d := picture60(noise.size)
			a, err := NewAffinity(f, rows*columns, d, Tau)
			if err != nil {
				b.Fatal(err)
			}
			var c *Cut
			for b.Loop() {
				if c, err = a.Cut(nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.Products), "products")
			b.ReportMetric(c.Residual, "residual")
		})
	}
}

func BenchmarkProduct60(b *testing.B) {
	f, rows, columns, d := picture60(1)
	a, err := NewAffinity(f, rows*columns, d, Tau)
	if err != nil {
		b.Fatal(err)
	}
	s, x, y := newOperator(a, nil), lanczos.Start(a.N), make([]float64, a.N)
	for b.Loop() {
		s.apply(y, x)
	}
}

// BenchmarkObjects60 is three objects from a finished affinity.
func BenchmarkObjects60(b *testing.B) {
	f, rows, columns, d := picture60(1)
	a, err := NewAffinity(f, rows*columns, d, Tau)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := a.Objects(rows, columns, Options{Objects: 3}); err != nil {
			b.Fatal(err)
		}
	}
}

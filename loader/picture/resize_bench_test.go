package picture

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// noise returns a picture of random samples.
func noise(seed uint64, w, h int) *RGB {
	p := NewRGB(w, h)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range p.Pix {
		p.Pix[i] = uint8(r.Uint32())
	}
	return p
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		w, h, w2, h2 int
		f            Filter
	}{
		{1920, 1080, 224, 224, Bilinear},
		{1920, 1080, 224, 224, Bicubic},
		{1920, 1080, 480, 480, Lanczos},
		{500, 375, 224, 224, Bilinear},
		{224, 224, 1920, 1080, Bicubic},
		{1920, 1080, 224, 224, Nearest},
	} {
		b.Run(fmt.Sprintf("%dx%d/%dx%d/%v", c.w, c.h, c.w2, c.h2, c.f), func(b *testing.B) {
			src, dst := noise(1, c.w, c.h), NewRGB(c.w2, c.h2)
			var r Resizer
			for b.Loop() {
				r.RGB(dst, src, c.f)
			}
		})
	}
}

func BenchmarkNormalise(b *testing.B) {
	src := noise(1, 224, 224)
	dst := make([]float32, 3*224*224)
	for b.Loop() {
		Normalise(dst, src, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225})
	}
}

package picture

import (
	"bytes"
	"context"
	"image/jpeg"
	"image/png"
	"testing"
)

// scene returns a picture that compresses like a photo: smooth, with some noise.
func scene(w, h int) *RGB {
	return Resize(noise(1, w/8, h/8), w, h, Bicubic)
}

func BenchmarkDecode(b *testing.B) {
	src := scene(1920, 1080)
	var j, p bytes.Buffer
	if err := jpeg.Encode(&j, src, &jpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	if err := png.Encode(&p, src); err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string][]byte{"jpeg420": j.Bytes(), "png": p.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Decode(context.Background(), data, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	m, err := jpeg.Decode(bytes.NewReader(j.Bytes()))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("convert420", func(b *testing.B) {
		for b.Loop() {
			FromImage(m)
		}
	})
}

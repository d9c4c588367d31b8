package readout_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// TestMaskPNG: a mask, and its Gray, are 8-bit gray pictures of 0 and 255.
func TestMaskPNG(t *testing.T) {
	set, columns := cells("##...", "....#", "##..#")
	m := readout.NewMask(set, columns)
	for _, img := range []image.Image{m, m.Gray()} {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		back, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		gray, ok := back.(*image.Gray)
		if !ok || gray.Rect != image.Rect(0, 0, 5, 3) || !slices.Equal(gray.Pix, m.Pix) {
			t.Errorf("%T comes back as %T %v", img, back, back)
		}
	}
}

// TestMaskDraws: what is drawn through a mask, or its Alpha, is drawn where the mask is
// set, also with an offset and beyond its border.
func TestMaskDraws(t *testing.T) {
	set, columns := cells("##...", "....#", "##..#")
	m := readout.NewMask(set, columns)
	red, blue := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}
	for _, mask := range []image.Image{m, m.Alpha()} {
		dst := image.NewRGBA(image.Rect(0, 0, 7, 4))
		draw.Draw(dst, dst.Rect, image.NewUniform(blue), image.Point{}, draw.Src)
		draw.DrawMask(dst, dst.Rect, image.NewUniform(red), image.Point{}, mask, image.Pt(-1, -1), draw.Over)
		for y := range 4 {
			for x := range 7 {
				want := blue
				if x > 0 && x < 6 && y > 0 && set[(y-1)*columns+x-1] {
					want = red
				}
				if got := dst.RGBAAt(x, y); got != want {
					t.Errorf("%T: pixel %d, %d is %v, want %v", mask, x, y, got, want)
				}
			}
		}
	}
	if _, _, _, a := m.At(-1, 0).RGBA(); a != 0 {
		t.Error("a mask is set beyond its border")
	}
}

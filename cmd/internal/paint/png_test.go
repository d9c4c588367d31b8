package paint

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// TestEncodeLabels: object 256 is 256, not 255, in a PNG of 16 bits; up to 255 objects the
// PNG has 8.
func TestEncodeLabels(t *testing.T) {
	const w, h = 20, 16
	for _, n := range []int{0, 1, 255, 256, 300} {
		var masks []*readout.Mask
		for k := range n {
			m := &readout.Mask{Width: w, Height: h, Pix: make([]uint8, w*h)}
			m.Pix[k] = 255
			masks = append(masks, m)
		}
		data, err := EncodeLabels(masks, w, h)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		_, wide := img.(*image.Gray16)
		if wide != (n > 255) {
			t.Errorf("%d objects: %T", n, img)
		}
		for i := range w * h {
			want := 0
			if i < n {
				want = i + 1
			}
			got := 0
			switch m := img.(type) {
			case *image.Paletted:
				got = int(m.Pix[i])
				if c := m.Palette[got].(color.RGBA); (got == 0) != (c == color.RGBA{A: 255}) || len(m.Palette) != 256 {
					t.Fatalf("label %d of %d colours has %v", got, len(m.Palette), c)
				}
			case *image.Gray16:
				got = int(m.Gray16At(i%w, i/w).Y)
			}
			if got != want {
				t.Fatalf("%d objects: pixel %d is %d, want %d", n, i, got, want)
			}
		}
	}
	one := &readout.Mask{Width: 1, Height: 1, Pix: []uint8{255}}
	many := make([]*readout.Mask, 65536)
	for i := range many {
		many[i] = one
	}
	if _, err := EncodeLabels(many[:65535], 1, 1); err != nil {
		t.Errorf("65535 objects: %v", err)
	}
	if _, err := EncodeLabels(many, 1, 1); err == nil || !strings.Contains(err.Error(), "65536 objects, and a label map has at most 65535") {
		t.Errorf("65536 objects: %v", err)
	}
}

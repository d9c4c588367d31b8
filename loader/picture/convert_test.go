package picture

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFromImage compares the fast paths with the plain one, on parts of pictures
// that don't begin at (0, 0) and have rows longer than they show.
func TestFromImage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytesOf := func(n int) []uint8 { return rapid.SliceOfN(rapid.Uint8(), n, n).Draw(t, "pix") }
		all := image.Rect(-1, 2, 8, 7)
		pal := color.Palette{color.RGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 50, 7}, color.RGBA64{0x1234, 0x5678, 0x9abc, 0xffff}, color.RGBA{10, 20, 30, 40}, color.Gray{77}}
		n := all.Dx() * all.Dy()
		index := bytesOf(n)
		for i := range index {
			index[i] %= uint8(len(pal))
		}
		pre := bytesOf(4 * n)
		for i := 0; i < len(pre); i += 4 {
			for c := range 3 {
				pre[i+c] = min(pre[i+c], pre[i+3])
			}
		}
		type parts interface {
			image.Image
			SubImage(image.Rectangle) image.Image
		}
		for _, m := range []parts{
			&image.NRGBA{Pix: bytesOf(4 * n), Stride: 4 * all.Dx(), Rect: all},
			&image.RGBA{Pix: pre, Stride: 4 * all.Dx(), Rect: all},
			&image.NRGBA64{Pix: bytesOf(8 * n), Stride: 8 * all.Dx(), Rect: all},
			&image.Gray{Pix: bytesOf(n), Stride: all.Dx(), Rect: all},
			&image.Gray16{Pix: bytesOf(2 * n), Stride: 2 * all.Dx(), Rect: all},
			&image.Paletted{Pix: index, Stride: all.Dx(), Rect: all, Palette: pal},
		} {
			sub := m.SubImage(image.Rect(1, 3, 6, 6))
			got := FromImage(sub)
			want := FromImage(hidden{sub})
			if got.Width != 5 || got.Height != 3 || !bytes.Equal(got.Pix, want.Pix) {
				t.Fatalf("%T: got %v, want %v", m, got.Pix, want.Pix)
			}
		}
	})
}

// hidden hides a picture's type.
type hidden struct{ image.Image }

func TestFromImageValues(t *testing.T) {
	ycc := image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio420)
	for i := range ycc.Y {
		ycc.Y[i] = 100
	}
	copy(ycc.Cb, []uint8{128, 128, 128, 128})
	copy(ycc.Cr, []uint8{128, 255, 128, 128})
	part := ycc.SubImage(image.Rect(1, 1, 3, 3))
	for _, c := range []struct {
		img  image.Image
		want []uint8
	}{
		{&image.CMYK{Pix: []uint8{0, 255, 100, 55}, Stride: 4, Rect: image.Rect(0, 0, 1, 1)}, []uint8{200, 0, 122}},
		{&image.RGBA64{Pix: []uint8{0x40, 0xff, 0x20, 0, 0, 0, 0x80, 0}, Stride: 8, Rect: image.Rect(0, 0, 1, 1)}, []uint8{127, 63, 0}},
		{&image.RGBA{Pix: []uint8{9, 9, 9, 0}, Stride: 4, Rect: image.Rect(0, 0, 1, 1)}, []uint8{0, 0, 0}},
		{image.NewRGBA(image.Rect(0, 0, 0, 5)), nil},
		{part, nil},
	} {
		got := FromImage(c.img)
		if c.want != nil && !bytes.Equal(got.Pix, c.want) {
			t.Errorf("%T: got %v, want %v", c.img, got.Pix, c.want)
		}
	}
	if p := FromImage(part); p.Width != 2 || p.Height != 2 {
		t.Errorf("a part of YCbCr has %d×%d pixels", p.Width, p.Height)
	}
	p := NewRGB(2, 1)
	p.Pix = []uint8{1, 2, 3, 4, 5, 6}
	if FromImage(p) != p {
		t.Error("an *RGB is copied")
	}
	if p.At(1, 0) != (color.RGBA{4, 5, 6, 255}) || p.At(2, 0) != (color.RGBA{}) || p.ColorModel() != color.RGBAModel {
		t.Error("At is wrong")
	}
}

// TestSniff has the first bytes of texts and the like that are no pictures.
func TestSniff(t *testing.T) {
	for _, text := range []string{"", "B", "BM", "BMW", "BM is how this text begins, and it goes on", "P6", "P0\n", "P8 ", "RIFF\x00\x00\x00\x00WAVE", "GIF88a", "\xff\xd8", "\x89PNG\r\n\n", "\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "} {
		if f := Sniff([]byte(text)); f != "" {
			t.Errorf("%q is taken for %s", text, f)
		}
	}
}

// TestUpright turns a picture in the eight ways and compares with the definition by
// rows and columns (TIFF 6.0, tag 274).
func TestUpright(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {5, 1}, {1, 5}, {3, 4}, {70, 41}, {33, 64}} {
		w, h := size[0], size[1]
		for o := 1; o <= 8; o++ {
			src := noise(uint64(o), w, h)
			keep := bytes.Clone(src.Pix)
			got := upright(src, o)
			for y := range got.Height {
				for x := range got.Width {
					// Row and column of the stored picture that is shown at (x, y).
					row, col := y, x
					if o >= 5 {
						row, col = x, y
					}
					if o == 3 || o == 4 || o == 6 || o == 7 {
						row = h - 1 - row
					}
					if o == 2 || o == 3 || o == 7 || o == 8 {
						col = w - 1 - col
					}
					i, j := 3*(y*got.Width+x), 3*(row*w+col)
					if !bytes.Equal(got.Pix[i:i+3], keep[j:j+3]) {
						t.Fatalf("%d×%d, orientation %d: (%d, %d) is wrong", w, h, o, x, y)
					}
				}
			}
		}
	}
}

func TestUnsupportedHint(t *testing.T) {
	_, _, err := DecodeFile(context.Background(), filepath.Join(badDir, "photo.unsupported.avif"), Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "AVIF: valid, not supported: this format isn't decoded; convert it to an ordinary PNG or JPEG") {
		t.Errorf("got %v", err)
	}
}

// TestYCC checks the conversion against libjpeg's way of writing it down, tables of
// rounded multiples, for all pairs of colour differences.
func TestYCC(t *testing.T) {
	fix := func(x float64) int { return int(x*65536 + 0.5) }
	clamp := func(v int) uint8 { return uint8(min(max(v, 0), 255)) }
	dst := make([]uint8, 3*6)
	for cb := range 256 {
		for cr := range 256 {
			luma := []uint8{0, 1, 100, 128, 254, 255}
			rowYCC(dst, luma, bytes.Repeat([]byte{uint8(cb)}, 6), bytes.Repeat([]byte{uint8(cr)}, 6))
			r := (fix(1.40200)*(cr-128) + 1<<15) >> 16
			g := (-fix(0.34414)*(cb-128) - fix(0.71414)*(cr-128) + 1<<15) >> 16
			b := (fix(1.77200)*(cb-128) + 1<<15) >> 16
			for i, y := range luma {
				want := [3]uint8{clamp(int(y) + r), clamp(int(y) + g), clamp(int(y) + b)}
				if got := [3]uint8(dst[3*i:]); got != want {
					t.Fatalf("YCbCr %d, %d, %d: got %v, want %v", y, cb, cr, got, want)
				}
			}
		}
	}
}

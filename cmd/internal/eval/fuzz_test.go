package eval

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// FuzzMask reads arbitrary bytes as a PNG with a mask, by every rule: a mask of the
// picture's size, or an error, and the same when it is read again.
func FuzzMask(f *testing.F) {
	for _, img := range []image.Image{grayRow(0, 1, 255), wideRow(0, 3, 65535), paletted(vocPalette(), 0, 1, 255)} {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes(), uint8(0))
	}
	for _, name := range []string{"void-truth", "alpha-truth", "found"} {
		data, err := os.ReadFile(filepath.Join("../../../testdata/eval", name, "a.png"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, choice uint8) {
		img, _, err := decodePNGFrom(bytes.NewReader(data), 1<<10)
		if err != nil {
			return
		}
		s := &samples{width: img.Bounds().Dx(), height: img.Bounds().Dy()}
		if !s.read(img) {
			t.Fatalf("%T is not read", img)
		}
		rule := MaskRule{Foreground: Foreground(choice % 4), Channel: Channel(choice / 4 % 3)}
		if choice&64 != 0 {
			rule.Void = Void{true, int(choice) - 1}
		}
		v := &survey{}
		v.add(s, s.census(), rule.Channel)
		r, err := v.reading(rule, choice&128 != 0)
		if err != nil {
			return
		}
		m, err := r.mask(s)
		if err != nil {
			return
		}
		if m.Width != s.width || m.Height != s.height || len(m.Pix) != s.width*s.height || m.Void != nil && len(m.Void) != len(m.Pix) {
			t.Fatalf("%d×%d with %d pixels of %d×%d", m.Width, m.Height, len(m.Pix), s.width, s.height)
		}
		if again, err := r.mask(s); err != nil || again.text() != m.text() || strings.Trim(m.text(), "#.-") != "" {
			t.Fatalf("%s, then %v, %v", m.text(), again, err)
		}
	})
}

// FuzzScoreCOCO scores arbitrary truth against arbitrary results: figures of 0 to 1, or
// −1, or an error.
func FuzzScoreCOCO(f *testing.F) {
	for _, truth := range []string{"t_ok", "t_noseg", "t_polyempty", "t_negbox"} {
		for _, found := range []string{"res", "res_box"} {
			a, err := os.ReadFile(cocoDir + truth + ".json")
			if err != nil {
				f.Fatal(err)
			}
			b, err := os.ReadFile(cocoDir + found + ".json")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(a, b, true)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, byCategory bool) {
		truth, err := coco.Read(context.Background(), bytes.NewReader(a))
		if err != nil || tooLarge(truth) {
			return
		}
		found, err := coco.Read(context.Background(), bytes.NewReader(b))
		if err != nil || tooLarge(found) {
			return
		}
		s, err := ScoreCOCO(context.Background(), truth, found, COCOOptions{ByCategory: byCategory})
		if err != nil {
			return
		}
		for _, d := range []*DetectionScores{s.Box, s.Mask} {
			if d == nil {
				continue
			}
			for _, v := range []float64{d.AP, d.AP50, d.AP75, d.APSmall, d.APMedium, d.APLarge, d.AR1, d.AR10, d.AR100, d.ARSmall, d.ARMedium, d.ARLarge} {
				if v != undefined && !(v >= 0 && v <= 1) {
					t.Fatalf("%+v", d)
				}
			}
		}
	})
}

// tooLarge says that a file has images that take long to draw.
func tooLarge(d *coco.Dataset) bool {
	for _, m := range d.Images {
		if m.Width*m.Height > 1<<14 {
			return true
		}
	}
	for _, a := range d.Annotations {
		if a.Mask.RLE != nil && a.Mask.RLE.Width*a.Mask.RLE.Height > 1<<14 {
			return true
		}
	}
	return len(d.Annotations) > 50
}

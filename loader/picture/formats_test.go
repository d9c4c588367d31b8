package picture

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const formatsDir = "../../testdata/image/formats"

// readReference reads a PNG of 8-bit RGB by the standard library alone.
func readReference(t *testing.T, path string) *RGB {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	p := NewRGB(b.Dx(), b.Dy())
	for y := range p.Height {
		for x := range p.Width {
			r, g, bl, _ := img.At(x, y).RGBA()
			i := 3 * (y*p.Width + x)
			p.Pix[i], p.Pix[i+1], p.Pix[i+2] = uint8(r>>8), uint8(g>>8), uint8(bl>>8)
		}
	}
	return p
}

// difference returns the largest and the mean difference of two pictures' samples,
// and the place of the largest one.
func difference(a, b *RGB) (largest int, mean float64, place string) {
	if a.Width != b.Width || a.Height != b.Height {
		return 999, 999, "sizes"
	}
	sum := 0
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		if d < 0 {
			d = -d
		}
		sum += d
		if d > largest {
			largest = d
			place = strconv.Itoa(i/3%a.Width) + "," + strconv.Itoa(i/3/a.Width)
		}
	}
	return largest, float64(sum) / float64(max(len(a.Pix), 1)), place
}

// TestFormats decodes each flavour of testdata/image/formats, as a file and from
// memory, and compares with the picture that it has to be.
func TestFormats(t *testing.T) {
	entries, err := os.ReadDir(formatsDir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range entries {
		name := e.Name()
		group, flavour, _ := strings.Cut(name, ".")
		ext := filepath.Ext(name)
		if e.IsDir() || ext == ".py" || ext == ".md" || strings.HasSuffix(name, ".ref.png") {
			continue
		}
		stem := strings.TrimSuffix(name, ext)
		var ref string
		limit, meanLimit := 0, 0.0
		switch {
		case group == "lossy" && ext == ".jpg":
			// What is left is the inverse transform: Go's and libjpeg's differ by 1 in
			// about 3 % of a plane's samples, which is up to 3 in RGB and 0.03 in the
			// mean on photos.
			limit, meanLimit = 3, 0.08
			ref = stem + ".ref.png"
		case group == "lossy" || group == "flat":
			ref = stem + ".ref.png"
		case strings.HasPrefix(group, "frame-") && ext == ".webp":
			ref = stem + "-webp.ref.png"
		case strings.HasPrefix(group, "frame-"):
			ref = stem + ".ref.png"
		default:
			ref = group + ".png"
		}
		seen[group+ext]++
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(formatsDir, name)
			want := readReference(t, filepath.Join(formatsDir, ref))
			got, meta, err := DecodeFile(context.Background(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if most, mean, at := difference(got, want); most > limit || mean > meanLimit {
				t.Errorf("differs from %s by up to %d (at %s), %.3f in the mean; want %d and %.2f", ref, most, at, mean, limit, meanLimit)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			again, meta2, err := Decode(context.Background(), data, Options{})
			if err != nil || !bytes.Equal(again.Pix, got.Pix) || meta2 != meta {
				t.Errorf("from memory: %v, %v and %v", err, meta, meta2)
			}
			if meta.Size != int64(len(data)) || string(meta.Format) != map[string]string{".png": "PNG", ".jpg": "JPEG", ".gif": "GIF", ".webp": "WebP", ".tif": "TIFF", ".bmp": "BMP"}[ext] {
				t.Errorf("meta is %+v", meta)
			}
			if group == "orient" && flavour != "png" {
				if o, _ := strconv.Atoi(flavour[:1]); meta.Orientation != o || o >= 5 && (meta.Width != got.Height || meta.Height != got.Width) {
					t.Errorf("meta is %+v", meta)
				}
			}
		})
	}
	for _, must := range []string{"color.png", "color.tif", "color.bmp", "color.gif", "color.webp", "gray1.tif", "flat.jpg", "lossy.jpg", "lossy.webp", "orient.tif"} {
		if seen[must] == 0 {
			t.Errorf("no %s was tested", must)
		}
	}
}

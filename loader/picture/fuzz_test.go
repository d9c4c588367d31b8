package picture

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDecode decodes arbitrary bytes: a picture that is consistent with itself, or
// one of the four kinds of error. A panic of a decoder is a finding.
func FuzzDecode(f *testing.F) {
	for _, dir := range []string{formatsDir, badDir, kindsDir} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.*"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 3000 && !strings.HasSuffix(path, ".py") && !strings.HasSuffix(path, ".ref.png") {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, meta, err := Decode(context.Background(), data, Options{MaxPixels: 1 << 16})
		switch kind := kindOf(err); kind {
		case "ok":
			w, h := meta.Width, meta.Height
			if meta.Orientation >= 5 {
				w, h = h, w
			}
			if p.Width != w || p.Height != h || w*h > 1<<16 || len(p.Pix) != 3*w*h || meta.Orientation < 1 || meta.Orientation > 8 {
				t.Fatalf("%d×%d with %d bytes, %+v", p.Width, p.Height, len(p.Pix), meta)
			}
		case "malformed", "unsupported", "limit":
			if len(err.Error()) > 1000 {
				t.Fatalf("a message of %d bytes", len(err.Error()))
			}
		default:
			t.Fatalf("%s: %v", kind, err)
		}
	})
}

// FuzzEXIF reads arbitrary bytes as EXIF.
func FuzzEXIF(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, blob []byte) {
		if o := exifOrientation(blob); o < 0 || o > 8 {
			t.Fatal(o)
		}
	})
}

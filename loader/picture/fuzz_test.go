package picture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
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
			if len(data) < 2000 && !strings.HasSuffix(path, ".py") && !strings.HasSuffix(path, ".ref.png") {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, meta, err := Decode(context.Background(), data, Options{MaxPixels: 1 << 12})
		switch kind := kindOf(err); kind {
		case "ok":
			w, h := meta.Width, meta.Height
			if meta.Orientation >= 5 {
				w, h = h, w
			}
			if p.Width != w || p.Height != h || w*h > 1<<12 || len(p.Pix) != 3*w*h || meta.Orientation < 1 || meta.Orientation > 8 {
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

// headerFormats are the formats whose headers [FuzzHeader] reads.
var headerFormats = []Format{PNG, JPEG, GIF, WebP, TIFF, BMP, Netpbm}

// FuzzHeader reads the size and the orientation of arbitrary bytes, taken for each
// format: what no decoder has seen yet, and what the memory for one is reserved by.
func FuzzHeader(f *testing.F) {
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
			at := slices.Index(headerFormats, Sniff(data[:min(len(data), sniffLen)]))
			if at >= 0 && len(data) < 1500 && !strings.HasSuffix(path, ".ref.png") {
				f.Add(data, uint8(at))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8) {
		in := &input{ctx: context.Background(), src: bytes.NewReader(data), size: int64(len(data)), opt: Options{}.withDefaults()}
		in.meta.Format = headerFormats[int(format)%len(headerFormats)]
		c, ok := codecOf(in.meta.Format)
		if !ok {
			t.Fatal(in.meta.Format)
		}
		_, _, err := c.size(in)
		if err != nil && len(in.explain(err).Error()) > 1000 {
			t.Fatalf("a message of %d bytes", len(err.Error()))
		}
		if err == nil && c.orientation != nil {
			if o := c.orientation(in); o < 0 || o > 8 {
				t.Fatal(o)
			}
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

// FuzzMetadata reads arbitrary bytes as an XMP packet, and as the text of a profile
// that ImageMagick wrote.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`<rdf:Description tiff:Orientation="6"/>`))
	f.Add([]byte("<tiff:Orientation>3</tiff:Orientation>"))
	f.Add([]byte("\nexif\n      26\n49492a00080000000100120103000100\n00000600000000000000\n"))
	f.Add([]byte("\nexif\n9999999999\n4"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := xmpOrientation(data); o < 0 || o > 8 {
			t.Fatal(o)
		}
		profile := rawProfile(data)
		if 2*len(profile) > len(data) {
			t.Fatalf("%d bytes of %d digits", len(profile), len(data))
		}
		if o := exifOrientation(profile); o < 0 || o > 8 {
			t.Fatal(o)
		}
	})
}

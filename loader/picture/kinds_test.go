package picture

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kindsDir = "../../testdata/image/kinds"

// TestKinds decodes files that stand in odd but readable shapes as Pillow 9.4 does, bit for
// bit, or says that they are valid and not supported.
func TestKinds(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(kindsDir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".py") || strings.Count(name, ".") > 1 && strings.HasSuffix(name, ".png") && !strings.HasPrefix(name, "turned-profile.") || strings.HasSuffix(name, ".png.png") {
			continue
		}
		count++
		got, meta, err := DecodeFile(context.Background(), path, Options{})
		if strings.Contains(name, ".unsupported.") {
			if kindOf(err) != "unsupported" || !strings.Contains(err.Error(), "valid, not supported: ") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		want := readReference(t, path+".png")
		if most, _, at := difference(got, want); most > 0 {
			t.Errorf("%s differs by up to %d (at %s)", name, most, at)
		}
		turned := strings.HasPrefix(name, "turned")
		if (meta.Orientation != 1) != turned {
			t.Errorf("%s has orientation %d", name, meta.Orientation)
		}
		stored, again, err := DecodeFile(context.Background(), path, Options{IgnoreOrientation: true})
		if err != nil || stored.Width != meta.Width || stored.Height != meta.Height || again != meta {
			t.Errorf("%s as stored: %+v, %v", name, again, err)
		} else if turned == bytes.Equal(stored.Pix, got.Pix) {
			t.Errorf("%s as stored: the same as upright is %v", name, turned)
		}
	}
	if count < 55 {
		t.Errorf("%d files were decoded, want at least 55", count)
	}
}

// TestPlainPNGCorrupt: what the second reading of a PNG passes over is not a wrong checksum.
func TestPlainPNGCorrupt(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(kindsDir, "extra-rows.png"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("IDAT")) + 12
	for i := range 40 {
		bad := bytes.Clone(data)
		bad[at+i] ^= 0x10
		if p, _, err := Decode(context.Background(), bad, Options{}); err == nil {
			t.Fatalf("byte %d of the data is changed, and there is a picture of %d×%d", i, p.Width, p.Height)
		} else if kindOf(err) != "malformed" {
			t.Fatal(err)
		}
	}
	for i := range 4 { // the chunk's own checksum, which the compressed data's does not cover
		bad := bytes.Clone(data)
		bad[bytes.Index(data, []byte("IEND"))-8+i] ^= 1
		if _, _, err := Decode(context.Background(), bad, Options{}); kindOf(err) != "malformed" {
			t.Errorf("byte %d of the data's checksum is changed: %v", i, err)
		}
	}
	if data, err = os.ReadFile(filepath.Join(kindsDir, "empty-chunks.png")); err != nil {
		t.Fatal(err)
	}
	data = data[:len(data)-12]                             // without its end, it is read the second time
	data[bytes.Index(data[60:], []byte("IDAT"))+60-5] ^= 1 // of the chunk before
	if _, _, err := Decode(context.Background(), data, Options{}); kindOf(err) != "malformed" {
		t.Errorf("a checksum before the last chunk is changed: %v", err)
	}
}

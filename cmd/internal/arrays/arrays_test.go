package arrays

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"codeberg.org/sbinet/npyio/npz"

	"github.com/crate-vk/crate-vk/loader/weights"
)

func TestNPZ(t *testing.T) {
	want := []Array{{Name: "tokens.0", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, -6.5}}, {Name: "logits", Shape: []int{4}, Data: []float32{0, 1e-30, 3, 4}}, {Name: "labels", Shape: []int{1, 2}, Bytes: []byte{0, 200}}, {Name: "many", Shape: []int{3}, Words: []uint16{0, 256, 65535}}}
	var b, again bytes.Buffer
	if err := Write(&b, "npz", want); err != nil {
		t.Fatal(err)
	}
	if err := Write(&again, "npz", want); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("writing twice gives different bytes (%v)", err)
	}
	r, err := npz.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range want {
		h := r.Header(a.Name + ".npy")
		if h == nil || !slices.Equal(h.Descr.Shape, a.Shape) {
			t.Fatalf("%s: header %+v, want shape %v", a.Name, h, a.Shape)
		}
		if a.Bytes != nil {
			var got []uint8
			if err := r.Read(a.Name+".npy", &got); err != nil || !slices.Equal(got, a.Bytes) {
				t.Errorf("%s: %v, %v, want %v", a.Name, got, err, a.Bytes)
			}
			continue
		}
		if a.Words != nil {
			var got []uint16
			if err := r.Read(a.Name+".npy", &got); err != nil || !slices.Equal(got, a.Words) {
				t.Errorf("%s: %v, %v, want %v", a.Name, got, err, a.Words)
			}
			continue
		}
		var got []float32
		if err := r.Read(a.Name+".npy", &got); err != nil || !slices.Equal(got, a.Data) {
			t.Errorf("%s: %v, %v, want %v", a.Name, got, err, a.Data)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "npy", nil); err == nil {
		t.Error("npy is written")
	}
}

// TestSafetensors: each kind of array comes back as its type.
func TestSafetensors(t *testing.T) {
	list := []Array{{Name: "a", Shape: []int{2}, Data: []float32{1, -6.5}}, {Name: "b", Shape: []int{2}, Bytes: []byte{0, 200}}, {Name: "c", Shape: []int{3}, Words: []uint16{0, 256, 65535}}}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	var b bytes.Buffer
	if err := Write(&b, "safetensors", list); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]struct {
		dtype weights.DType
		raw   string
	}{"a": {weights.F32, "\x00\x00\x80\x3f\x00\x00\xd0\xc0"}, "b": {"U8", "\x00\xc8"}, "c": {"U16", "\x00\x00\x00\x01\xff\xff"}} {
		info, _ := f.Lookup(name)
		raw, err := f.ReadBytes(name)
		if err != nil || string(raw) != want.raw || info.DType != want.dtype {
			t.Errorf("%s: %q %s, %v, want %q %s", name, raw, info.DType, err, want.raw, want.dtype)
		}
	}
}

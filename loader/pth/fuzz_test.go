package pth

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/crate-vk/crate-vk/loader/weights"
)

// FuzzOpen opens arbitrary bytes. What is refused has an error of one of the three
// types; what opens is read without a fault, and a tensor's bytes are those that
// its strides lead to one by one.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(one())
	for _, pattern := range []string{"*.pth", "bad/*.pth"} {
		paths, err := filepath.Glob(folder + pattern)
		if err != nil || len(paths) < 10 {
			f.Fatal(paths, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 20_000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzOne(t, data) })
}

// FuzzPickle puts arbitrary bytes where an archive has its pickle.
func FuzzPickle(f *testing.F) {
	f.Add("}" + text("w") + view("FloatStorage", 0, 8, 1, []int{2, 3}, []int{1, 2}) + "s")
	f.Add("}q\x00(" + text("a") + "](NK\x01G\x00\x00\x00\x00\x00\x00\x00\x00\x88e" + text("b") + "h\x00u")
	f.Add("cargparse\nNamespace\n)\x81}" + text("lr") + "K\x05sb")
	f.Add("ccollections\nOrderedDict\n](U\x01wNee\x85R")
	f.Fuzz(func(t *testing.T, pickle string) {
		fuzzOne(t, packed(pickle, []byte("0123456789abcdefghijklmnopqrstuv"), []byte("01234567")))
	})
}

func fuzzOne(t *testing.T, data []byte) {
	m, err := openBytes(data)
	if err != nil {
		checkTyped(t, err)
		return
	}
	var total int64
	for i, info := range m.Tensors() {
		view := m.tensors[i]
		raw, err := m.ReadRaw(info.Name)
		if err != nil {
			checkTyped(t, err)
			continue
		}
		if total += int64(len(raw.Raw)); total > expandFactor*int64(len(data))+expandBytes {
			t.Fatalf("%d bytes of tensors from %d", total, len(data))
		}
		if n := info.Elements(); 0 < n && n <= 1000 && !bytes.Equal(raw.Raw, slow(data, view)) {
			t.Fatalf("%q %v %v: read %x, want %x", info.Name, info, view, raw.Raw, slow(data, view))
		}
		v, err := m.ReadF64(info.Name)
		if err == nil && len(v) != info.Elements() {
			t.Fatalf("%q: %d values for %v", info.Name, len(v), info.Shape)
		}
		if err := weights.Write(&bytes.Buffer{}, []weights.Tensor{raw}, m.Metadata()); err != nil {
			t.Fatal(err)
		}
	}
}

func checkTyped(t *testing.T, err error) {
	var refused *RefusedError
	var format *weights.FormatError
	var unsupported *weights.UnsupportedError
	if !errors.As(err, &refused) && !errors.As(err, &format) && !errors.As(err, &unsupported) {
		t.Fatalf("%T: %v", err, err)
	}
	if len(err.Error()) > 2000 {
		t.Fatalf("a message of %d bytes", len(err.Error()))
	}
}

// slow gathers a tensor element by element.
func slow(data []byte, t *tensor) []byte {
	size := width(t.storage.dtype)
	var out []byte
	var fill func(dim int, at int64)
	fill = func(dim int, at int64) {
		if dim == len(t.shape) {
			out = append(out, data[t.storage.begin+at*size:][:size]...)
			return
		}
		for i := range t.shape[dim] {
			fill(dim+1, at+i*t.strides[dim])
		}
	}
	fill(0, t.offset)
	return out
}

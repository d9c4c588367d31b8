package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/crate-vk/crate-vk/graph"
)

// TestLayouts reads the same three tensors from files that differ in all that
// carries no meaning: order, padding, white space, alignment, escapes, fields.
func TestLayouts(t *testing.T) {
	const one, two, three = "\x00\x00\x80\x3f", "\x00\x40", "\x40\x40" // F32 1, F16 2, BF16 3
	entry := func(name, dtype string, begin, end int) string {
		return fmt.Sprintf(`"%s":{"dtype":"%s","shape":[1],"data_offsets":[%d,%d]}`, name, dtype, begin, end)
	}
	for name, data := range map[string][]byte{
		"plain":      file("{"+entry("a", "F32", 0, 4)+","+entry("b", "F16", 4, 6)+","+entry("c", "BF16", 6, 8)+"}", one+two+three),
		"reversed":   file("{"+entry("c", "BF16", 6, 8)+","+entry("b", "F16", 4, 6)+","+entry("a", "F32", 0, 4)+"}", one+two+three),
		"data order": file("{"+entry("a", "F32", 4, 8)+","+entry("b", "F16", 2, 4)+","+entry("c", "BF16", 0, 2)+"}", three+two+one),
		"unaligned": file("{"+entry("a", "F32", 3, 7)+","+entry("b", "F16", 1, 3)+","+entry("c", "BF16", 7, 9)+","+
			entry("n", "U8", 0, 1)+"}", "\x07"+two+one+three),
		"padded":  file("{"+entry("a", "F32", 0, 4)+","+entry("b", "F16", 4, 6)+","+entry("c", "BF16", 6, 8)+"}"+strings.Repeat(" ", 41), one+two+three),
		"escaped": file("{"+entry(`\u0061`, "F32", 0, 4)+","+entry(`b`, `\u004616`, 4, 6)+","+entry("c", "BF16", 6, 8)+"}", one+two+three),
		"spaces": file("{"+strings.NewReplacer("{", " {\n", "}", "\t} ", ",", " , ", ":", " :\r ", "[", "[ ", "]", " ]").
			Replace(entry("a", "F32", 0, 4)+","+entry("b", "F16", 4, 6)+","+entry("c", "BF16", 6, 8))+"}\n", one+two+three),
		"unknown fields": file(`{"a":{"x":[true,false,null,-1.5e+3,0,"s",{"y":{},"z":[]}],"data_offsets":[0,4],"shape":[1],"dtype":"F32"},`+
			entry("b", "F16", 4, 6)+","+entry("c", "BF16", 6, 8)+"}", one+two+three),
		"empty tensors": file(`{"__metadata__":{"k":"v"},`+`"e":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},`+entry("a", "F32", 0, 4)+
			`,"f":{"dtype":"I64","shape":[2,0],"data_offsets":[4,4]},`+entry("b", "F16", 4, 6)+","+entry("c", "BF16", 6, 8)+"}", one+two+three),
	} {
		f, err := openBytes(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, tensor := range []string{"a", "b", "c"} {
			v64, err := f.ReadF64(tensor)
			v32, err32 := f.ReadF32(tensor)
			if err != nil || err32 != nil || len(v64) != 1 || v64[0] != float64(i+1) || len(v32) != 1 || v32[0] != float32(i+1) {
				t.Errorf("%s: %s is %v %v, %v %v", name, tensor, v64, v32, err, err32)
			}
		}
	}
}

// drawTensors makes tensors whose F32 or F64 values are exact in their type.
func drawTensors(t *rapid.T) []Tensor {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Tensor {
		w := Tensor{
			Name:  rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a.weight", "a\x00\"\\", "é😀\u2028"})).Draw(t, "name"),
			DType: rapid.SampledFrom([]DType{F16, BF16, F32, F64}).Draw(t, "dtype"),
			Shape: rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape"),
		}
		n, _ := elements(w.Shape)
		bits := rapid.SliceOfN(rapid.Uint16Range(0, 0x7bff), int(n), int(n)).Draw(t, "values")
		if w.DType == F64 || rapid.Bool().Draw(t, "f64") {
			w.F64 = make([]float64, n)
			for i, b := range bits {
				w.F64[i] = exact(w.DType, b)
			}
		} else {
			w.F32 = make([]float32, n)
			for i, b := range bits {
				w.F32[i] = float32(exact(w.DType, b))
			}
		}
		return w
	}), 0, 6, func(w Tensor) string { return w.Name }).Draw(t, "tensors")
}

// exact returns a value that the type holds exactly.
func exact(d DType, b uint16) float64 {
	if d == BF16 {
		return -float64(graph.BF16ToF32(b))
	}
	return -float64(graph.F16ToF32(b))
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tensors := drawTensors(t)
		tensors = slices.DeleteFunc(tensors, func(w Tensor) bool { return w.Name == "__metadata__" })
		meta := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")
		var b, again bytes.Buffer
		if err := Write(&b, tensors, meta); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(tensors)
		if err := Write(&again, tensors, meta); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("the order of the arguments shows in the file (%v)", err)
		}
		if n := b.Bytes()[0]; n%8 != 0 {
			t.Fatalf("the header has %d bytes mod 256, want a multiple of 8", n)
		}
		f, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Metadata(); len(got) != len(meta) || len(meta) > 0 && !reflect.DeepEqual(got, meta) {
			t.Fatalf("metadata is %q, want %q", got, meta)
		}
		if got := f.Tensors(); len(got) != len(tensors) {
			t.Fatalf("%d tensors, want %d", len(got), len(tensors))
		}
		for _, w := range tensors {
			info, ok := f.Lookup(w.Name)
			if !ok || info.DType != w.DType || !slices.Equal(info.Shape, w.Shape) {
				t.Fatalf("%q is %v, want %s %v", w.Name, info, w.DType, w.Shape)
			}
			want := slices.Clone(w.F64)
			for _, x := range w.F32 {
				want = append(want, float64(x))
			}
			got, err := f.ReadF64(w.Name)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%q: got %v %v, want %v", w.Name, got, err, want)
			}
			got32, err := f.ReadF32(w.Name)
			if err != nil || len(got32) != len(want) {
				t.Fatalf("%q: %v", w.Name, err)
			}
			for i := range got32 {
				if got32[i] != float32(want[i]) {
					t.Fatalf("%q[%d]: got %v, want %v", w.Name, i, got32[i], want[i])
				}
			}
		}
	})
}

// TestWriteBytes fixes the bytes of one file: the layout of the reference
// implementation, by element size, then by name.
func TestWriteBytes(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, []Tensor{
		{Name: "half", DType: F16, Shape: []int{2}, F32: []float32{1, -2}},
		{Name: "z", DType: F32, Shape: []int{1, 1}, F64: []float64{1}},
		{Name: "a", DType: F32, Shape: []int{}, F32: []float32{0.5}},
		{Name: "flag", DType: "BOOL", Shape: []int{1}, Raw: []byte{1}},
	}, map[string]string{"format": "pt", "by": "<us>"})
	if err != nil {
		t.Fatal(err)
	}
	head := `{"__metadata__":{"by":"<us>","format":"pt"},` +
		`"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},` +
		`"z":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]},` +
		`"half":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},` +
		`"flag":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}}`
	for len(head)%8 != 0 {
		head += " "
	}
	want := file(head, "\x00\x00\x00\x3f\x00\x00\x80\x3f\x00\x3c\x00\xc0\x01")
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got\n%q, want\n%q", b.Bytes(), want)
	}
}

func TestWriteRefuses(t *testing.T) {
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		tensors []Tensor
		want    string
	}{
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{1}, F32: []float32{1}}, {Name: "a", DType: F16, Shape: []int{1}, F32: []float32{1}}}, "appears twice"},
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{2}, F32: []float32{1}}}, "has 1 values, want 2 for F32 [2]"},
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{1}}}, "0 of F64, F32 and Raw are set"},
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{1}, F32: []float32{1}, F64: []float64{1}}}, "2 of F64, F32 and Raw are set"},
		{[]Tensor{{Name: "a", DType: "I64", Shape: []int{1}, F32: []float32{1}}}, "I64 is written from Raw alone"},
		{[]Tensor{{Name: "a", DType: "F31", Shape: []int{1}, F32: []float32{1}}}, `"F31" [1] has no size`},
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{-1}, F32: []float32{1}}}, `"F32" [-1] has no size`},
		{[]Tensor{{Name: "a\xff", DType: F32, Shape: []int{1}, F32: []float32{1}}}, "want a name in UTF-8"},
		{[]Tensor{{Name: "__metadata__", DType: F32, Shape: []int{1}, F32: []float32{1}}}, "other than __metadata__"},
		{[]Tensor{{Name: "a", DType: F16, Shape: []int{2}, F32: []float32{0, 65520}}}, "element 1 is 65520, which F16 can't hold"},
		{[]Tensor{{Name: "a", DType: BF16, Shape: []int{1}, F64: []float64{3.4e38}}}, "BF16 can't hold"},
		{[]Tensor{{Name: "a", DType: F32, Shape: []int{1}, F64: []float64{3.5e38}}}, "F32 can't hold"},
		{[]Tensor{{Name: "a", DType: F64, Shape: []int{1}, F32: []float32{nan}}}, "element 0 is NaN"},
	} {
		err := Write(&bytes.Buffer{}, c.tensors, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := Write(&bytes.Buffer{}, nil, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that isn't UTF-8 is written")
	}
}

// save writes a file with one F32 tensor whose elements are all x.
func save(t *testing.T, path string, x float32, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	err := Write(&b, []Tensor{{Name: "w", DType: F32, Shape: []int{n}, F32: slices.Repeat([]float32{x}, n)}}, nil)
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReplaced checks that an open file stays one version when another one is
// renamed over it or it is deleted, and that a write into it is noticed.
func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	first := save(t, path, 1, 200_000)
	sum := sha256.Sum256(first)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	check := func(when string) {
		t.Helper()
		got, err := f.ReadF32("w")
		hash, hashErr := f.Hash()
		if err != nil || got[0] != 1 || got[199_999] != 1 || hashErr != nil || hash != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %v %v", when, err, hashErr)
		}
		if f.Size() != int64(len(first)) {
			t.Errorf("%s: size is %d, want %d", when, f.Size(), len(first))
		}
	}
	check("as opened")
	save(t, path+"2", 2, 200_000)
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	check("after a rename over it")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("after it was deleted")
}

func TestChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	for name, change := range map[string]func() error{
		"truncated": func() error { return os.Truncate(path, 1000) },
		"extended":  func() error { return os.Truncate(path, 1_000_000) },
		"touched":   func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	} {
		for _, hashed := range []bool{false, true} {
			os.Remove(path)
			save(t, path, 1, 200_000)
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if hashed {
				if _, err := f.Hash(); err != nil {
					t.Error(err)
				}
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if _, err := f.ReadF64("w"); !errors.Is(err, ErrChanged) {
				t.Errorf("%s: ReadF64: got %v", name, err)
			}
			if _, err := f.Hash(); !errors.Is(err, ErrChanged) {
				t.Errorf("%s: Hash (hashed before: %v): got %v", name, hashed, err)
			}
			f.Close()
		}
	}
}

func TestConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	save(t, path, 3, 100_000)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				v, err := f.ReadF32("w")
				_, hashErr := f.Hash()
				if err != nil || hashErr != nil || v[99_999] != 3 {
					t.Error(err, hashErr)
				}
			}
		})
	}
	wg.Wait()
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error("Close fails:", err)
		}
	}
	if _, err := f.ReadF32("w"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

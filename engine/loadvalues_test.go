package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/crate-vk/crate-vk/loader/weights"
)

// TestEveryTensorIsChecked: a value that is no number is refused in whichever tensor it is, the
// last one, the head's, a decoder's, one that the model ignores, and in whichever type.
func TestEveryTensorIsChecked(t *testing.T) {
	for _, src := range []*ModelSource{oddModel(t, 16, 16, 2, 1, 8, [2]int{16, 16}), maeSource(t)} {
		names := []string{"extra.ignored"}
		for _, want := range src.Config.Tensors() {
			names = append(names, want.Name)
		}
		for i, bad := range names {
			dtype := []weights.DType{weights.F32, weights.F16, weights.BF16, weights.F64}[i%4]
			value := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[i%3]
			m, err := OpenModelBytes("bad", spoiled(t, src, dtype, bad, value), ModelOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Check(t.Context()); !errors.As(err, new(*ModelError)) || !containsAll(err.Error(), fmt.Sprintf("%q", bad), "want finite numbers") {
				t.Errorf("%v in %s %s: %v", value, dtype, bad, err)
			}
		}
		m, err := OpenModelBytes("good", spoiled(t, src, weights.F32, "", 0), ModelOptions{})
		if err == nil {
			err = m.Check(t.Context())
		}
		if err != nil || len(m.Ignored) != 2 {
			t.Errorf("%v is ignored, %v", m.Ignored, err)
		}
	}
}

// TestTooLargeIsFound: an F64 value that float32 can't hold is refused in each tensor of the
// model, whichever the read-outs need, and may stand in one that the model ignores.
func TestTooLargeIsFound(t *testing.T) {
	src := oddModel(t, 16, 16, 2, 1, 8, [2]int{16, 16})
	names := []string{"extra.ignored"}
	for _, want := range src.Config.Tensors() {
		names = append(names, want.Name)
	}
	for _, name := range names {
		m, err := OpenModelBytes("large", spoiled(t, src, weights.F64, name, 1e39), ModelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = m.Check(t.Context())
		refused := errors.As(err, new(*ModelError)) && containsAll(err.Error(), fmt.Sprintf("%q", name), "float32")
		if ignored := name == "extra.ignored"; ignored && err != nil || !ignored && !refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spoiled is a source as a file of one type, with a value in the last place of one tensor, and with
// two tensors that no model needs.
func spoiled(t *testing.T, src *ModelSource, dtype weights.DType, bad string, value float64) []byte {
	t.Helper()
	list := []weights.Tensor{{Name: "extra.steps", DType: "I64", Shape: []int{1}, Raw: bytes.Repeat([]byte{0xff}, 8)}}
	add := func(name string, shape []int, x []float64) {
		x = append([]float64(nil), x...)
		raw := make([]byte, 0, 8*len(x))
		for i, v := range x {
			if name == bad && i == len(x)-1 {
				v = value
			}
			raw = appendValue(raw, dtype, v)
		}
		list = append(list, weights.Tensor{Name: name, DType: dtype, Shape: shape, Raw: raw})
	}
	add("extra.ignored", []int{3}, []float64{1, 2, 3})
	for _, want := range src.Config.Tensors() {
		x, err := src.params(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		add(want.Name, want.Shape, x)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, list, src.Config.Metadata()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// appendValue writes a value as a file has it: small ones rounded to zero in half precision.
func appendValue(b []byte, dtype weights.DType, v float64) []byte {
	le := func(n int, bits uint64) []byte {
		for range n {
			b = append(b, byte(bits))
			bits >>= 8
		}
		return b
	}
	switch f := math.Float32bits(float32(v)); dtype {
	case weights.F64:
		return le(8, math.Float64bits(v))
	case weights.F32:
		return le(4, uint64(f))
	case weights.BF16:
		if v != v {
			f = 0x7fc00000
		}
		return le(2, uint64(f>>16))
	default: // F16: what isn't finite, and 1 for all else
		switch {
		case v != v:
			return le(2, 0x7e00)
		case math.IsInf(v, 0):
			return le(2, 0x7c00)
		}
		return le(2, 0x3c00)
	}
}

package pth

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestViews reads random views, by permuting the dimensions of a grid, stepping
// through them and repeating along others, and compares with the formula.
func TestViews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.SampledFrom([]string{"FloatStorage", "DoubleStorage", "HalfStorage"}).Draw(t, "class")
		var shape, strides []int
		step := rapid.IntRange(1, 3).Draw(t, "inner")
		for range rapid.IntRange(0, 5).Draw(t, "rank") {
			n := rapid.SampledFrom([]int{1, 2, 3, 5, 9}).Draw(t, "n")
			if rapid.IntRange(0, 4).Draw(t, "repeat") == 0 {
				shape, strides = append(shape, n), append(strides, 0)
				continue
			}
			shape, strides = append(shape, n), append(strides, step)
			step *= n + rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "gap")
		}
		for i := range shape {
			j := rapid.IntRange(0, i).Draw(t, "swap")
			shape[i], shape[j] = shape[j], shape[i]
			strides[i], strides[j] = strides[j], strides[i]
		}
		offset := rapid.IntRange(0, 4).Draw(t, "offset")
		last := offset
		for i, n := range shape {
			last += (n - 1) * strides[i]
		}
		checkView(t, class, last+1+rapid.IntRange(0, 2).Draw(t, "rest"), offset, shape, strides)
	})
}

// TestLargeViews crosses the window of the reader in all directions.
func TestLargeViews(t *testing.T) {
	for _, c := range []struct {
		offset         int
		shape, strides []int
	}{
		{0, []int{300_000}, []int{1}},
		{7, []int{600, 500}, []int{1, 600}},
		{7, []int{500, 599}, []int{600, 1}},
		{0, []int{3, 2, 70_000}, []int{70_000, 0, 1}},
		{1, []int{2, 5, 60_000}, []int{150_000, 0, 2}},
		{3, []int{4}, []int{90_000}},
		{3, []int{4, 7}, []int{90_000, 1}},
		{0, []int{600_000, 3}, []int{0, 1}},
	} {
		checkView(t, "FloatStorage", 400_000, c.offset, c.shape, c.strides)
	}
}

// checkView reads a view of a storage whose element i has the value i mod 1021,
// which all types hold exactly.
func checkView(t rapid.TB, class string, count, offset int, shape, strides []int) {
	value := func(i int) float64 { return float64(i % 1021) }
	var data []byte
	for i := range count {
		switch v := value(i); class {
		case "FloatStorage":
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		case "DoubleStorage":
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		case "HalfStorage":
			data = binary.LittleEndian.AppendUint16(data, half(v))
		}
	}
	f, err := openBytes(packed(view(class, 0, count, offset, shape, strides), data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadF64("")
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	var fill func(dim, at int)
	fill = func(dim, at int) {
		if dim == len(shape) {
			want = append(want, value(at))
			return
		}
		for i := range shape[dim] {
			fill(dim+1, at+i*strides[dim])
		}
	}
	fill(0, offset)
	if !sameBits(got, want) {
		t.Fatalf("%v strides %v offset %d: read %v, want %v", shape, strides, offset, got[:min(20, len(got))], want[:min(20, len(want))])
	}
}

// half encodes an integer from 0 to 2047 as a binary16.
func half(v float64) uint16 {
	if v == 0 {
		return 0
	}
	frac, exp := math.Frexp(v) // v = frac · 2^exp, frac in [1/2, 1)
	return uint16(exp+14)<<10 | uint16(frac*2048)&1023
}

// TestNumbers reads integers in each of their forms. The bytes of some are a letter
// in UTF-8.
func TestNumbers(t *testing.T) {
	for pickle, want := range map[string]string{
		"K\xff": "255", "M\xff\xff": "65535", "J\xff\xff\xff\xff": "-1", "J\x00\x00\x00\x80": "-2147483648",
		"\x8a\x00": "0", "\x8a\x01\x80": "-128", "\x8a\x01\x7f": "127", "\x8a\x02\xc5\x99": "-26171", "\x8a\x03\xc5\x99\x00": "39365",
		"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f": "9223372036854775807", "\x8b\x02\x00\x00\x00\x00\x80": "-32768",
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01": "", "G\xc0\x04\x00\x00\x00\x00\x00\x00": "-2.5", "\x88": "True", "\x89": "False", "N": "",
		"U\x01x": "x", "T\x01\x00\x00\x00x": "x", "\x8c\x02\xc5\x99": "ř", "\x8d\x01\x00\x00\x00\x00\x00\x00\x00x": "x", "C\x01x": "", "\x8f": "",
	} {
		f, err := openBytes(packed("}" + text("n") + pickle + "s"))
		if err != nil {
			t.Errorf("%x: %v", pickle, err)
		} else if got := f.Metadata()["n"]; got != want {
			t.Errorf("%x is %q, want %q", pickle, got, want)
		}
	}
}

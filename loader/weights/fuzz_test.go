package weights

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// FuzzOpen opens arbitrary bytes. What opens must be read without a fault, and
// come back the same through Write.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(file(`{}`, ""))
	f.Add(file(`{"a":`+f32x1+`}  `, "\x00\x00\x80\x3f"))
	f.Add(file(`{"a":`+f32x1+`}`, "\x00\x00\x80\x7f"))
	f.Add(file(`{"__metadata__":{"k":"\ud83d\ude00"},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[0],"data_offsets":[4,4]}}`, "1234"))
	f.Add(file(`{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8],"x":[{"y":-1e9},null]}}`, "12345678"))
	f.Add(file(`{"a":{"dtype":"BF16","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := openBytes(data)
		if err != nil {
			var format *FormatError
			var unsupported *UnsupportedError
			if !errors.As(err, &format) && !errors.As(err, &unsupported) {
				t.Fatalf("%T: %v", err, err)
			}
			if len(err.Error()) > 2000 {
				t.Fatalf("a message of %d bytes", len(err.Error()))
			}
			return
		}
		var list []Tensor
		var total int
		for _, info := range m.Tensors() {
			raw, err := m.ReadBytes(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			total += len(raw)
			list = append(list, Tensor{Name: info.Name, DType: info.DType, Shape: info.Shape, Raw: raw})
			v, err := m.ReadF64(info.Name)
			if err == nil && len(v) != info.Elements() {
				t.Fatalf("%q: %d values for %v", info.Name, len(v), info.Shape)
			}
			m.ReadF32(info.Name)
		}
		if int64(total) != m.Size()-m.shards[0].data {
			t.Fatalf("tensors have %d bytes, the data section %d", total, m.Size()-m.shards[0].data)
		}
		var b bytes.Buffer
		if err := Write(&b, list, m.Metadata()); err != nil {
			t.Fatal(err)
		}
		again, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			raw, err := again.ReadBytes(w.Name)
			info, _ := again.Lookup(w.Name)
			if err != nil || !bytes.Equal(raw, w.Raw) || info.DType != w.DType || !slices.Equal(info.Shape, w.Shape) {
				t.Fatalf("%q comes back as %v %v", w.Name, info, err)
			}
		}
	})
}

// FuzzIndex parses arbitrary text as an index.
func FuzzIndex(f *testing.F) {
	f.Add(`{"metadata":{"total_size":6},"weight_map":{"b":"s2","a":"s1"}}`)
	f.Add(`{"weight_map":{"a":"../s1"}}`)
	f.Add(`{"x":[[{"y":"\u0041"}]],"weight_map":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseIndex("index", text)
		if (x == nil) == (err == nil) {
			t.Fatal(x, err)
		}
	})
}

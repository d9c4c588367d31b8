package graph

import (
	"strings"
	"testing"
)

// TestReadoutShapes: what the ops of masks and measures give, and what they
// refuse.
func TestReadoutShapes(t *testing.T) {
	g := &Graph{}
	source := func(t *testing.T, dtype DType, pairs ...any) *Value {
		v, err := g.Source(OpInput, Type{dtype, Dims(pairs...)}, Attrs{"name": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	x := source(t, F32, "B", 2, "N", 50, "C", 12)
	flat := source(t, F32, "B", 2, "C", 12)
	for _, c := range []struct {
		op    Op
		attrs Attrs
		args  []*Value
		want  string // a type, or part of an error
	}{
		{OpUnitRows, Attrs{"prefix": 1}, []*Value{x}, "f32[B:2 N:49 C:12]"},
		{OpUnitRows, Attrs{"prefix": 50}, []*Value{x}, "prefix is 50, want 0 … 49"},
		{OpUnitRows, Attrs{"prefix": 0, "heads": 5}, []*Value{x}, "heads is 5"},
		{OpUnitRows, Attrs{"prefix": 0}, []*Value{flat}, "want 3 axes"},
		{OpAffinityBits, Attrs{"tau": 0.1}, []*Value{x}, "u32[B:2 rows:50 words:2]"},
		{OpHeadGram, Attrs{"heads": 3}, []*Value{x}, "f32[B:2 H:3 p:4 q:4]"},
		{OpHeadGram, Attrs{"heads": 7}, []*Value{x}, "heads is 7"},
		{OpZeroCount, nil, []*Value{x}, "f32[B:2 N:50 one:1]"},
	} {
		got := ""
		if v, err := g.New(c.op, c.attrs, c.args...); err != nil {
			got = err.Error()
		} else {
			got = v.Type.String()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.op, got, c.want)
		}
	}
}

package onnx_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/crate-vk/crate-vk/cmd/internal/onnx"
	"github.com/crate-vk/crate-vk/cmd/internal/onnx/onnxtest"
	"github.com/crate-vk/crate-vk/graph"
)

// operators are those of opset 17 that are used, and how many inputs they take.
func operators() map[string][2]int {
	return map[string][2]int{"Abs": {1, 1}, "Add": {2, 2}, "Cast": {1, 1}, "Concat": {1, 9}, "Div": {2, 2}, "Erf": {1, 1}, "Expand": {2, 2}, "Gather": {2, 2},
		"Identity": {1, 1}, "LayerNormalization": {2, 3}, "MatMul": {2, 2}, "Mul": {2, 2}, "ReduceMean": {1, 1}, "Relu": {1, 1}, "Reshape": {2, 2}, "Sign": {1, 1},
		"Slice": {3, 5}, "Softmax": {1, 1}, "Sub": {2, 2}, "Transpose": {1, 1}}
}

// TestStructure decodes what was written: a model of opset 17 whose nodes use
// known operators and only names that are defined before them, whose weights
// have the bytes that their shapes say, and whose inputs and outputs are the
// graph's.
func TestStructure(t *testing.T) {
	for _, c := range onnxtest.Cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			var file bytes.Buffer
			if err := onnx.Write(context.Background(), &file, c.Graph, c.Params, onnx.Options{Version: "1", Doc: "d"}); err != nil {
				t.Fatal(err)
			}
			m := decode(t, file.Bytes())
			set := m.messages(t, 8)[0]
			if m.int(1) != 8 || m.string(2) != "crate-vk" || m.string(3) != "1" || m.string(6) != "d" || set.string(1) != "" || set.int(2) != 17 {
				t.Errorf("the header is ir %d, %q %q %q, opset %q %d", m.int(1), m.string(2), m.string(3), m.string(6), set.string(1), set.int(2))
			}
			checkGraph(t, m.messages(t, 7)[0], c.Graph)
		})
	}
}

func checkGraph(t *testing.T, m message, g *graph.Graph) {
	defined := map[string]bool{"": true}
	define := func(name string) {
		if defined[name] {
			t.Errorf("%q is defined twice", name)
		}
		defined[name] = true
	}
	for _, w := range m.messages(t, 5) {
		n := map[int]int{1: 4, 7: 8}[w.int(2)]
		for _, d := range w.ints(1) {
			n *= d
		}
		if got := len(w.string(9)); n == 0 || got != n {
			t.Errorf("weight %q of type %d and shape %v has %d bytes", w.string(8), w.int(2), w.ints(1), got)
		}
		define(w.string(8))
	}
	var inputs, outputs []string
	for _, in := range m.messages(t, 11) {
		define(in.string(1))
		inputs = append(inputs, in.string(1)+" "+valueType(t, in))
	}
	for _, n := range m.messages(t, 1) {
		op, in := n.string(4), n.strings(1)
		want, ok := operators()[op]
		if !ok || len(in) < want[0] || len(in) > want[1] {
			t.Errorf("node %q is %s with %d inputs", n.string(3), op, len(in))
		}
		for _, name := range in {
			if !defined[name] {
				t.Errorf("node %q takes %q, which nothing before it defines", n.string(3), name)
			}
		}
		for _, name := range n.strings(2) {
			define(name)
		}
		for _, a := range n.messages(t, 5) {
			if kind := a.int(20); a.string(1) == "" || len(a[map[int]protowire.Number{1: 2, 2: 3, 7: 8}[kind]]) == 0 {
				t.Errorf("node %q: attribute %q of type %d has no value", n.string(3), a.string(1), kind)
			}
		}
	}
	for _, out := range m.messages(t, 12) {
		if !defined[out.string(1)] {
			t.Errorf("output %q is not defined", out.string(1))
		}
		outputs = append(outputs, out.string(1)+" "+valueType(t, out))
	}
	var wantIn, wantOut []string
	for _, v := range g.Values {
		if v.Op == graph.OpInput {
			wantIn = append(wantIn, fmt.Sprintf("%s %d%v", v.Str("name"), map[graph.DType]int{graph.F32: 1, graph.U8: 2}[v.Type.DType], v.Shape().Sizes()))
		}
	}
	for _, o := range g.Outputs {
		wantOut = append(wantOut, fmt.Sprintf("%s 1%v", o.Name, o.Value.Shape().Sizes()))
	}
	if !slices.Equal(inputs, wantIn) || !slices.Equal(outputs, wantOut) {
		t.Errorf("inputs %v and outputs %v, want %v and %v", inputs, outputs, wantIn, wantOut)
	}
}

// TestUnsupported: a read-out that packs bits has no form in ONNX.
func TestUnsupported(t *testing.T) {
	g, err := graph.Parse(`graph "bits" {
v0 = input {name="f"} : f32[B:1 N:40 C:8]
v1 = affinity_bits v0 {tau=0.2} : u32[B:1 rows:40 words:2]
output "bits" = v1
}`)
	if err != nil {
		t.Fatal(err)
	}
	err = onnx.Write(context.Background(), io.Discard, g, nil, onnx.Options{})
	if err == nil || !strings.Contains(err.Error(), "affinity_bits") {
		t.Errorf("the error is %v", err)
	}
}

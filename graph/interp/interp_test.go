package interp

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestBicubic is the unit test of numerics 3: 4 to 6 samples at σ = 6.1/4.
func TestBicubic(t *testing.T) {
	r := bicubicMatrix(4, 6, 6.1/4)
	want := []float64{-0.08848, 0.390981, 1.182597, 1.747005, 2.546707, 3.063794}
	for o, w := range want {
		got := 0.0
		for i, k := range r[o] {
			got += k * float64(i)
		}
		if math.Abs(got-w) > 1e-6 {
			t.Errorf("sample %d is %.6f, want %.6f", o, got, w)
		}
	}
	for i, w := range []float64{1.08848, -0.08848, 0, 0} {
		if math.Abs(r[0][i]-w) > 1e-5 {
			t.Errorf("weight %d of sample 0 is %.5f, want %.5f", i, r[0][i], w)
		}
	}
}

func TestErrors(t *testing.T) {
	g, err := graph.Parse("graph \"g\" {\nv0 = input {name=\"x\"} : f32[N:2 C:3]\nv1 = param {name=\"w\"} : f32[R:2 K:3]\nv2 = linear v0 v1 _ _ _ : f32[N:2 C:2]\noutput \"y\" = v2\n}")
	if err != nil {
		t.Fatal(err)
	}
	good := func(string, graph.Type) ([]float64, error) { return make([]float64, 6), nil }
	short := func(string, graph.Type) ([]float64, error) { return make([]float64, 5), nil }
	x := NewTensor(graph.Dims("N", 2, "C", 3))
	for _, c := range []struct {
		params Params
		in     map[string]*Tensor
		want   string
	}{
		{good, nil, `no input "x"`},
		{good, map[string]*Tensor{"x": NewTensor(graph.Dims("N", 2, "C", 4))}, `input "x" is [2 4], want [2 3]`},
		{short, map[string]*Tensor{"x": x}, `parameter "w" has 5 elements, want 6`},
	} {
		_, err := Run(context.Background(), g, c.params, c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, g, good, map[string]*Tensor{"x": x}); err == nil {
		t.Error("a cancelled context is not noticed")
	}
}

// BenchmarkS16 is one image through CRATE-S/16 at 224 px, folded, weights
// evaluated beforehand.
func BenchmarkS16(b *testing.B) {
	c, err := crate.Preset("crate-s16")
	if err != nil {
		b.Fatal(err)
	}
	g, err := crate.Build(&c, crate.Request{Batch: 1, Height: 224, Width: 224, Outputs: []string{"logits"}})
	if err != nil {
		b.Fatal(err)
	}
	if err := pass.Run(g, pass.Options{}); err != nil {
		b.Fatal(err)
	}
	params := c.RandomParams(1)
	p, err := Compile(context.Background(), g, func(name string, _ graph.Type) ([]float64, error) { return params(name) })
	if err != nil {
		b.Fatal(err)
	}
	in := map[string]*Tensor{crate.InputName: NewTensor(graph.Dims("B", 1, "Y", 224, "X", 224, "RGB", 3))}
	for i := range in[crate.InputName].Data {
		in[crate.InputName].Data[i] = float64(i * 7 % 256)
	}
	n := 0
	for b.Loop() {
		if _, err := p.Run(context.Background(), in, nil); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "img/s")
}

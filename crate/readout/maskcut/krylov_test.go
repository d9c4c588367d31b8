package maskcut

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// TestKrylovGraph runs the steps in the interpreter: products are the host
// operator's, vectors are orthonormal and beside the known one, and their start
// is nearly the answer.
func TestKrylovGraph(t *testing.T) {
	const n, d, steps = 70, 9, 30
	f, _, _, _ := picture60(2)
	x := interp.NewTensor(graph.Dims("B", 1, "N", n, "C", d))
	features := make([]float32, n*d)
	for i := range features {
		features[i] = f[i*7]
		x.Data[i] = float64(f[i*7])
	}
	b := graph.NewBuilder("krylov")
	bits := b.Do(graph.OpAffinityBits, graph.Attrs{"tau": Tau}, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0}, b.Input("x", graph.F32Type("B", 1, "N", n, "C", d))))
	b.Output("bits", bits)
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	v, w, err := Krylov(g, bits, steps)
	if err != nil {
		t.Fatal(err)
	}
	for k := range v {
		g.Outputs = append(g.Outputs, graph.Output{Name: fmt.Sprint("v", k), Value: v[k]}, graph.Output{Name: fmt.Sprint("w", k), Value: w[k]})
	}
	out, err := interp.Run(context.Background(), g, nil, map[string]*interp.Tensor{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAffinity(features, n, d, Tau)
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range out["bits"].Data {
		if uint32(word) != a.Bits[i] {
			t.Fatalf("word %d is %x, want %x", i, uint32(word), a.Bits[i])
		}
	}
	s := newOperator(a, nil)
	var vectors, products [][]float32
	want := make([]float64, n)
	for k := range steps {
		vk, wk := out[fmt.Sprint("v", k)].Data, out[fmt.Sprint("w", k)].Data
		s.apply(want, vk)
		for i := range want {
			if math.Abs(want[i]-wk[i]) > 1e-13 {
				t.Fatalf("product %d, entry %d: %v, want %v", k, i, wk[i], want[i])
			}
		}
		for j := range k + 1 {
			dot := 0.0
			for i, x := range out[fmt.Sprint("v", j)].Data {
				dot += x * vk[i]
			}
			if wanted := map[bool]float64{true: 1}[j == k]; j >= k-2 && math.Abs(dot-wanted) > 1e-9 {
				t.Errorf("vectors %d and %d have the product %v", j, k, dot)
			}
		}
		along := 0.0
		for i, x := range s.top() {
			along += x * vk[i]
		}
		if math.Abs(along) > 1e-12 {
			t.Errorf("vector %d has %v along the known one", k, along)
		}
		vectors, products = append(vectors, single(vk)), append(products, single(wk))
	}
	start, err := KrylovStart(vectors, products)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := a.Cut(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	dot, norm := 0.0, 0.0
	for i, x := range start {
		dot, norm = dot+x*cut.Vector[i]*s.root[i], norm+x*x
	}
	if c := math.Abs(dot) / math.Sqrt(norm); c < 1-1e-4 {
		t.Errorf("the start has a cosine of %v with the answer", c)
	}
	if _, err := KrylovStart(vectors, products[1:]); err == nil {
		t.Error("fewer products than vectors were taken")
	}
	nan := slices.Clone(vectors[0])
	nan[3] = float32(math.NaN())
	if _, err := KrylovStart([][]float32{nan}, products[:1]); err == nil {
		t.Error("NaN was taken")
	}
}

func single(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

package prove

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// wideGraph widens 331 rows of 16 channels to 128, takes steps there, and comes back.
func wideGraph(t *testing.T) *graph.Graph {
	t.Helper()
	const rows, narrow, wide = 331, 16, 128
	b := graph.NewBuilder("wide")
	vector := func(name string) *graph.Value { return b.Param(name, graph.F32Type("C", wide)) }
	eps := graph.Attrs{"eps": 1e-5}
	x := b.Input("x", graph.F32Type("B", 1, "N", rows, "C", narrow))
	h := b.Do(graph.OpLinear, nil, x, b.Param("up", graph.F32Type("R", wide, "K", narrow)))
	r := b.Do(graph.OpAdd, nil, b.Do(graph.OpReLU, nil, h), h)
	n := b.Do(graph.OpLayerNorm, eps, b.Do(graph.OpMul, nil, r, vector("v")), vector("gain"), vector("shift"))
	w := b.Do(graph.OpCentre, nil, b.Param("square", graph.F32Type("R", wide, "K", wide)))
	p := b.Do(graph.OpLinear, graph.Attrs{"eps": 1e-5, "act": graph.ActReLU}, n, w, b.Param("bias", graph.F32Type("R", wide)), nil, h)
	s := b.Do(graph.OpLinear, nil, p, b.Param("other", graph.F32Type("R", wide, "K", wide)), nil, b.Do(graph.OpRowScale, eps, p))
	b.Output("norm", n)
	b.Output("product", p)
	b.Output("zeros", b.Do(graph.OpZeroCount, nil, p))
	b.Output("y", b.Do(graph.OpLinear, nil, s, b.Param("down", graph.F32Type("R", narrow, "K", wide)), nil, nil, x))
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTensorsInParts runs what is computed row by row on a device that says it binds less
// than the tensors have: they lie in several buffers with a dispatch for each, tensors
// beside them that are small enough are bound from a row on, and the bits are those of
// whole tensors.
func TestTensorsInParts(t *testing.T) {
	graph := wideGraph(t)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		for _, precision := range precisionsOf(g.Limits) {
			for _, family := range plan.Families(g.Limits) {
				t.Run(fmt.Sprintf("%v %s", precision, family), func(t *testing.T) {
					testTensorsInParts(t, g, graph, plan.Options{Family: family, Precision: precision})
				})
			}
		}
	})
}

func testTensorsInParts(t *testing.T, dev *Device, g *graph.Graph, o plan.Options) {
	t.Helper()
	whole, err := plan.New(g, dev.Limits, o)
	if err != nil {
		t.Fatal(err)
	}
	lim := dev.Limits
	lim.MaxStorageRange = 70000 // the input has 21,184 bytes, what is wide 169,472, or half of that
	parts, err := plan.New(g, lim, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := plan.Parse(parts.String())
	if err != nil || again.String() != parts.String() {
		t.Errorf("the plan's text reads back as another one, %v", err)
	}
	if n := len(parts.Dispatches); n < 2*len(whole.Dispatches) {
		t.Errorf("%d dispatches instead of %d: tensors are not in parts", n, len(whole.Dispatches))
	}
	inputs, params := RandomInputs(g), RandomParams(g)
	var results [2]map[string][]float32
	for i, p := range []*plan.Plan{whole, parts} {
		results[i] = map[string][]float32{}
		out, err := dev.Once(t.Context(), p, params, inputs)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range out {
			results[i][name] = x.Data
		}
	}
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	for name, want := range results[0] {
		if !slices.EqualFunc(results[1][name], want, same) {
			t.Errorf("%s differs", name)
		}
	}
}

// precisionsOf are those that a device can store.
func precisionsOf(lim plan.Limits) []graph.DType {
	if lim.Storage16 {
		return []graph.DType{graph.F32, graph.F16}
	}
	return []graph.DType{graph.F32}
}

// TestCheckInParts: what verify does with a model goes on where its hidden layer is in
// parts.
func TestCheckInParts(t *testing.T) {
	c, err := crate.Preset("alpha-b16")
	if err != nil {
		t.Fatal(err)
	}
	c.Dim, c.Inner, c.Hidden, c.Heads, c.Depth, c.Patch, c.ImageSize, c.Classes = 36, 36, 144, 3, 1, 4, [2]int{64, 64}, 7
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		dev := open(t, inst, info)
		dev.Limits.MaxStorageRange = 80000 // of 148,032 bytes of a hidden layer, and 37,008 of tokens
		r := readout.Request{Batch: 1, Height: 64, Width: 64, Outputs: []string{"tokens.0"}}
		n, err := dev.Check(t.Context(), Model{Name: "wide", Config: &c, Params: c.RandomParams(5)}, r, devicetest.Pixels(64, 64, 1))
		if err != nil || n < 20 {
			t.Errorf("%d dispatches agree, %v", n, err)
		}
	})
}

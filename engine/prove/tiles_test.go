package prove

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// tileProducts are products that use every path of linear_tiles: row
// statistics, bias, residual, each activation, and a tail along k.
func tileProducts(t *testing.T) map[string]*graph.Graph {
	t.Helper()
	product := func(k int, attrs graph.Attrs, norm, residual bool) *graph.Graph {
		b := graph.NewBuilder("tiles")
		const rows, n = 133, 136 // one row tile of 128 and some, for every shape
		x := b.Input("x", graph.F32Type("B", 1, "N", rows, "C", k))
		w := b.Param("w", graph.F32Type("R", n, "K", k))
		if norm {
			w = b.Do(graph.OpCentre, nil, w)
			attrs["eps"] = 1e-5
		}
		var res *graph.Value
		if residual {
			res = b.Input("residual", graph.F32Type("B", 1, "N", rows, "C", n))
		}
		b.Output("y", b.Do(graph.OpLinear, attrs, x, w, b.Param("bias", graph.F32Type("R", n)), nil, res))
		g, err := b.Graph()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	return map[string]*graph.Graph{
		"norm":     product(44, graph.Attrs{"act": graph.ActGELU}, true, true),
		"residual": product(64, graph.Attrs{"act": graph.ActReLU}, false, true),
	}
}

// TestTileShapesAgree shows that every shape of linear_tiles gives the same
// bits: the planner may choose among them by the number of rows, and results
// still don't depend on the batch.
func TestTileShapesAgree(t *testing.T) {
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		precisions := []graph.DType{graph.F32}
		if g.Limits.Storage16 {
			precisions = append(precisions, graph.F16)
		}
		for name, gr := range tileProducts(t) {
			params, inputs := RandomParams(gr), RandomInputs(gr)
			for _, precision := range precisions {
				if precision == graph.F16 && name != "norm" {
					continue // a pipeline takes llvmpipe seconds to compile
				}
				var first []float32
				seen := 0
				for _, shape := range plan.TileNames() {
					// llvmpipe compiles the largest body for 5 to 20 s.
					if shape == "128x128/16x8" && (precision == graph.F16 || name != "norm" || testing.Short()) {
						continue
					}
					p, err := plan.New(gr, g.Limits, plan.Options{Family: plan.Tiles, Precision: precision, Choices: plan.Choices{"linear_tiles": shape}})
					if err != nil {
						t.Fatal(err)
					}
					if got := plan.Shape(&p.Dispatches[0]); got != shape {
						t.Logf("%s does not fit the device", shape)
						continue
					}
					seen++
					out, err := g.Once(ctx, p, params, inputs)
					if err != nil {
						t.Fatal(err)
					}
					y := out["y"].Data
					if first == nil {
						first = y
					}
					if !slices.EqualFunc(first, y, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
						t.Errorf("%s %v: %s differs from %s", name, precision, shape, plan.TileNames()[0])
					}
				}
				if seen < 2 {
					t.Errorf("%s: %d shapes fit the device, nothing to compare", name, seen)
				}
			}
		}
	})
}

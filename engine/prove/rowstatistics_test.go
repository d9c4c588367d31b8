package prove

import (
	"context"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// TestRowStatistics holds the one-pass variance of the fused products to what
// a stream may look like: rows with a mean far from zero against their
// deviation, flat rows, and large rows.
func TestRowStatistics(t *testing.T) {
	g, err := graph.Parse(`graph "rows" {
v0 = input {name="x"} : f32[B:1 N:40 C:96]
v1 = param {name="w"} : f32[R:64 K:96]
v2 = centre v1 : f32[R:64 K:96]
v3 = linear v0 v2 _ _ _ {eps=1e-05} : f32[B:1 N:40 C:64]
output "y" = v3
}`)
	if err != nil {
		t.Fatal(err)
	}
	x := interp.NewTensor(graph.Dims("B", 1, "N", 40, "C", 96))
	r := Random("rows")
	for i := range x.Data {
		row := i / 96
		x.Data[i] = float64(float32(float64(row%8)*0.5 + (0.3+0.2*float64(row/8))*r.NormFloat64()))
	}
	in := map[string]*interp.Tensor{"x": x}
	params := RandomParams(g)
	want, err := interp.Run(context.Background(), g, run.Typed(params), in)
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		gp := open(t, inst, info)
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles, plan.Plain} {
			p, err := plan.New(g, gp.Limits, plan.Options{Family: family})
			if err != nil {
				t.Fatal(err)
			}
			got, err := gp.Once(context.Background(), p, params, in)
			if err != nil {
				t.Fatal(err)
			}
			// A mean of 12 deviations costs the variance two of its seven digits; a
			// mean of 50 would cost four.
			if fact := disagreement(got["y"].Data, want["y"].Data, 5e-5); fact != "" {
				t.Errorf("%s: %s", family, fact)
			}
		}
	})
}

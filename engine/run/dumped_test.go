package run_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestDumpedPlan prints a plan, parses it, runs it and gets the same bits: the
// engine executes plans, and nothing but plans.
func TestDumpedPlan(t *testing.T) {
	c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	params := run.Params(c.RandomParams(5))
	r := readout.Request{Outputs: []string{"logits", "tokens.0", "cls_attention.1"}, Height: 32, Width: 32, Batch: 2}
	image := interp.NewTensor(graph.Dims("B", 2, "Y", 32, "X", 32, "RGB", 3))
	for i, x := range devicetest.Pixels(32, 32, 2) {
		image.Data[i] = float64(x)
	}
	in := map[string]*interp.Tensor{crate.InputName: image}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		gp := enginetest.Open(t, inst, info)
		for _, family := range []plan.Family{"", plan.Tiles, plan.Plain} {
			g, err := readout.Graph(&c, r, pass.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.New(g, gp.Limits, plan.Options{Family: family})
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := plan.Parse(p.String())
			if err != nil {
				t.Fatal(err)
			}
			if err := parsed.Finish(gp.Limits); err != nil {
				t.Fatal(err)
			}
			a, err := gp.Once(context.Background(), p, params, in)
			if err != nil {
				t.Fatal(err)
			}
			b, err := gp.Once(context.Background(), parsed, params, in)
			if err != nil {
				t.Fatal(err)
			}
			for name := range a {
				if !sameBits(a[name].Data, b[name].Data) {
					t.Errorf("%s of the parsed plan differs", name)
				}
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

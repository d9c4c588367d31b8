package prove

import (
	"context"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// TestHalfReadouts: at half precision the kernels of masks and measures pass
// their self-tests, on a device where nothing was tested before. Their operands
// are float32 at any precision; a case that gave them float16 would not plan, or
// rule out a good kernel.
func TestHalfReadouts(t *testing.T) {
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := open(t, inst, info)
		if !d.Limits.Storage16 {
			t.Skip("the device has no 16-bit storage")
		}
		graphs, err := readoutGraphs()
		if err != nil {
			t.Fatal(err)
		}
		plans, err := plansOf(graphs, d.Limits, plan.Families(d.Limits), []graph.DType{graph.F16})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plans {
			failed, err := d.SelfTest(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range failed {
				t.Error(f)
			}
		}
	})
}

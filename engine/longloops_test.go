package engine

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestWideHead has a head that no fast kernel takes, and enough tokens that the
// plain ones would loop more often than llvmpipe lets an invocation: 785 keys
// times 97 or 101 quads. What they unroll has to be unrolled by the driver, or
// the numbers are silently wrong.
func TestWideHead(t *testing.T) {
	if testing.Short() {
		t.Skip("a head of 404 channels over 785 tokens takes seconds")
	}
	src := oddModel(t, 404, 404, 1, 1, 8, [2]int{224, 224})
	r := Request{Outputs: []string{"tokens.0", "attention.0", "cls_attention.0"}, Height: 224, Width: 224, Batch: 1}
	pixels := devicetest.Pixels(224, 224, 1)
	want := reference(t, src, r, pixels)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if run.LimitsOf(info, 0).MaxLoops == 0 {
			t.Skip("the device has no such limit")
		}
		got := load(t, onDevice(t, info, withFamily(plan.Plain)), src).runOnce(t, r, pixels)
		for name := range got {
			if err := near(got[name].Data, want[name].Data, goldenTolerance); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

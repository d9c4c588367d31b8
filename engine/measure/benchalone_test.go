package measure_test

import (
	"context"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestAlone: each round has both times, and the products alone take no
// longer than a few plans, which says that they are counted once.
func TestAlone(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		ctx := context.Background()
		m := openModel(t, info, 3)
		rounds, err := measure.Alone(ctx, m, readout.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 2}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(rounds) != 3 {
			t.Fatalf("%d rounds, want 3", len(rounds))
		}
		for _, r := range rounds {
			if r.Whole <= 0 || r.Alone <= 0 || r.Alone > 20*r.Whole {
				t.Errorf("a round took %v as a plan and %v alone", r.Whole, r.Alone)
			}
		}
	})
}

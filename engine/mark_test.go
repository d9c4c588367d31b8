package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestLostWork drops each submission of a run in turn, as drivers do that
// recover without an error: once is made good, to the same bits, twice is
// ErrLostWork, and the slot works again afterwards.
func TestLostWork(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 3, 4, [2]int{32, 32})
	r := Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1, Positions: crate.PositionsExact}
	pixels := picturePixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		ctx := context.Background()
		m := load(t, onDevice(t, info), src)
		m.eng.use.RLock()
		defer m.eng.use.RUnlock()
		c, done, err := m.acquire(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		pr := c.(*loaded).computer.(deviceComputer).program
		run := func() ([]float32, error) {
			for _, s := range pr.slots {
				s.segments = 0 // recorded anew
			}
			wait, err := c.start(ctx, pixels)
			if err != nil {
				t.Fatal(err)
			}
			out, err := wait()
			if err != nil {
				return nil, err
			}
			return out["logits"].Data, nil
		}
		const segments = 3 // three at most come together again
		pr.pace.target, pr.pace.segments = 1<<60, segments
		want, err := run()
		if err != nil {
			t.Fatal(err)
		}
		for lost := range segments {
			times := 0
			for _, often := range []int{1, 2} {
				times = 0
				pr.lose = func(segment int) bool {
					if segment == lost {
						times++
					}
					return segment == lost && times <= often
				}
				got, err := run()
				if often == 1 && (err != nil || !slices.Equal(got, want)) {
					t.Errorf("submission %d was lost once: error %v, or other bits", lost, err)
				}
				if often == 2 && !errors.Is(err, ErrLostWork) {
					t.Errorf("submission %d was lost twice: error %v", lost, err)
				}
			}
			pr.lose = nil
			if got, err := run(); err != nil || !slices.Equal(got, want) {
				t.Errorf("behind a lost submission: error %v, or other bits", err)
			}
		}
	})
}

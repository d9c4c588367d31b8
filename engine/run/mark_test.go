package run

import (
	"errors"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestLostWork drops each submission of a run in turn, as drivers do that
// recover without an error: once is made good, to the same bits, twice is
// ErrLostWork, and the slot works again afterwards.
func TestLostWork(t *testing.T) {
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		pr := logitsProgram(t, openFor(t, inst, info, ""), 1, ProgramOptions{Slots: Slots})
		c := OnDevice(pr)
		run := func() ([]float32, error) {
			for _, s := range pr.slots {
				s.segments = 0 // recorded anew
			}
			return logits(t, c, pixels)
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
			for often, want := range []error{nil, nil, ErrLostWork} { // of a single run, as self-tests make
				times = 0
				s, err := pr.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s.segments = 0
				pr.lose = func(segment int) bool {
					if segment == lost {
						times++
					}
					return segment == lost && times <= often
				}
				if err := pr.whole(t.Context(), s); !errors.Is(err, want) {
					t.Errorf("submission %d was lost %d times in a single run: error %v", lost, often, err)
				}
				pr.Release(s)
			}
			pr.lose = nil
			if got, err := run(); err != nil || !slices.Equal(got, want) {
				t.Errorf("behind a lost submission: error %v, or other bits", err)
			}
		}
	})
}

package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// tiring is a context that ends when it has been looked at a few times.
type tiring struct {
	context.Context
	looks int
}

func (c *tiring) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancelledBetweenSubmissions: a run whose context ends stops before its next
// submission, and the slot works again.
func TestCancelledBetweenSubmissions(t *testing.T) {
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		pr := logitsProgram(t, openFor(t, inst, info, ""), 1, ProgramOptions{Slots: 1})
		pr.pace.target, pr.pace.segments = 1<<60, 3
		s, err := pr.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer pr.Release(s)
		in, _, err := pr.Input(s, crate.InputName)
		if err != nil {
			t.Fatal(err)
		}
		copy(in, pixels)
		run := func(ctx context.Context) ([]float32, error) {
			s.segments = 0 // recorded anew: three submissions
			if err := pr.whole(ctx, s); err != nil {
				return nil, err
			}
			out, _, err := pr.Output(s, "logits")
			return out, err
		}
		want, err := run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := 0
		for looks := range 5 {
			_, err := run(&tiring{t.Context(), looks})
			if ended := errors.Is(err, context.Canceled); !ended && err != nil {
				t.Fatal(err)
			} else if !ended {
				done++
			} else if done > 0 {
				t.Errorf("ended by the look %d, but not by one before", looks)
			}
			if got, err := run(t.Context()); err != nil || !slices.Equal(got, want) {
				t.Errorf("behind a run that was looked at %d times: %v, or other bits", looks, err)
			}
		}
		if done != 1 { // one look for its turn, three for its submissions
			t.Errorf("%d of 5 runs went through, want the one with four looks", done)
		}
	})
}

// TestQueue: runs come in the order in which they were started; one that gives up
// its place lets the others on.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		first, gone, second := q.enter(), q.enter(), q.enter()
		var order []string
		var mu sync.Mutex
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, s)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := second.wait(t.Context()); err != nil {
				t.Error(err)
			}
			note("second")
			second.pass()
		})
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := gone.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			gone.pass()
			gone.pass()
		})
		time.Sleep(time.Minute)
		if err := first.wait(t.Context()); err != nil {
			t.Error(err)
		}
		note("first")
		first.pass()
		wg.Wait()
		if !slices.Equal(order, []string{"first", "second"}) {
			t.Errorf("order %v", order)
		}
	})
}

// TestTimesOfCancelled: a run that ends before its turn has waited, and took nothing.
func TestTimesOfCancelled(t *testing.T) {
	in := Inputs{crate.InputName: {Bytes: devicetest.Pixels(32, 32, 1)}}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		pr := logitsProgram(t, openFor(t, inst, info, ""), 1, ProgramOptions{Slots: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, cancelled := range []bool{false, true} {
			before := pr.queue.enter()
			wait, err := OnDevice(pr).Start(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if cancelled {
				cancel()
			} else {
				before.pass()
			}
			res, err := wait()
			before.pass()
			if cancelled != (err != nil) || cancelled != (res.Took == 0) || res.Waited < 0 {
				t.Errorf("cancelled %v: took %v, waited %v, error %v", cancelled, res.Took, res.Waited, err)
			}
		}
	})
}

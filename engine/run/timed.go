package run

import (
	"context"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// timedLeast is how long a timed submission should take: long against its own
// cost, short against a watchdog.
const (
	timedLeast = 4 * time.Millisecond
	timedMost  = 1000 // repetitions
)

// Timed is a plan whose last value is ready to be timed by itself: a dispatch, or one for
// each part of a tensor in several buffers.
type Timed struct {
	dev      *Device
	store    *WeightStore
	pr       *Program
	slot     *Slot
	recorded *Recorded
	times    int // it is recorded so often
}

// NewTimed loads a plan with weights and inputs and runs it once, so that
// everything is compiled.
func NewTimed(ctx context.Context, dev *Device, p *plan.Plan, params Params, inputs map[string]*interp.Tensor) (*Timed, error) {
	t := &Timed{dev: dev, store: NewWeightStore(dev, params)}
	if err := t.load(ctx, p, inputs); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Timed) load(ctx context.Context, p *plan.Plan, inputs map[string]*interp.Tensor) (err error) {
	if t.pr, err = NewProgram(ctx, t.dev, t.store, p, ProgramOptions{Slots: 1}); err != nil {
		return err
	}
	if t.slot, err = t.pr.Acquire(ctx); err != nil {
		return err
	}
	if err := t.pr.Fill(t.slot, inputs); err != nil {
		return err
	}
	if err := t.pr.Execute(ctx, t.slot); err != nil { // inputs in place, the driver's own compiling done
		return err
	}
	for t.times = 1; ; t.times = min(4*t.times, timedMost) {
		if err := t.record(); err != nil {
			return err
		}
		took, err := t.once()
		if err != nil || took >= timedLeast || t.times == timedMost {
			return err
		}
	}
}

// record repeats what computes the plan's last value.
func (t *Timed) record() (err error) {
	t.forget()
	t.recorded, err = t.pr.Repeat(t.pr.Plan.LastValue(), t.times)
	return err
}

func (t *Timed) once() (time.Duration, error) {
	start := time.Now()
	err := t.pr.Run(t.slot, t.recorded)
	return time.Since(start), err
}

// Wall is what computing it once takes now, by the clock.
func (t *Timed) Wall() (time.Duration, error) {
	took, err := t.once()
	return took / time.Duration(t.times), err
}

// Times is how many times a timed submission computes it.
func (t *Timed) Times() int { return t.times }

// Time is what computing it once takes now: process CPU time on a software device, which
// other programs disturb less than the clock.
func (t *Timed) Time() (time.Duration, error) {
	cpu := ProcessTime()
	took, err := t.once()
	if t.dev.Info.Type == vk.TypeSoftware {
		took = ProcessTime() - cpu
	}
	return took / time.Duration(t.times), err
}

func (t *Timed) forget() {
	if t.recorded != nil {
		t.recorded.Close()
		t.recorded = nil
	}
}

// Close frees what the plan was loaded with.
func (t *Timed) Close() {
	t.forget()
	if t.pr != nil {
		t.pr.Close()
		t.pr = nil
	}
	t.store.Close()
}

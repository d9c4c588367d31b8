package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// tuneLeast is how long a timed submission should take: long against its own
// cost, short against a watchdog.
const (
	tuneLeast = 4 * time.Millisecond
	tuneMost  = 1000 // repetitions
)

// tuneRun is a dispatch with one shape, ready to be timed by itself.
type tuneRun struct {
	store    *run.WeightStore
	pr       *run.Program
	slot     *run.Slot
	recorded *run.Recorded
	times    int  // the dispatch is recorded so often
	cpu      bool // its time is that of the process's CPUs, not of the clock
}

// tuneShape compiles, tests and loads one shape.
func tuneShape(ctx context.Context, dev *prove.Device, k *tuneKind, gr *graph.Graph, inputs map[string]*interp.Tensor, params run.Params, name string) (*tuneRun, error) {
	opt := plan.Options{Family: k.plan.Family, Precision: k.plan.Precision, Choices: plan.Choices{k.name: name}}
	p, err := plan.New(gr, dev.Limits, opt)
	if err != nil {
		return nil, err
	}
	d := &p.Dispatches[len(p.Dispatches)-1]
	if got := plan.Shape(d); plan.Kind(p, d) != k.name || got != name {
		return nil, fmt.Errorf("planned as %s %s", d.Kernel.Name, got)
	}
	bad, err := dev.Test(ctx, p, d)
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, bad
	}
	r := &tuneRun{store: run.NewWeightStore(dev.Device, params), cpu: dev.Info.Type == vk.TypeSoftware}
	if err := r.load(ctx, dev.Device, p, inputs); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *tuneRun) load(ctx context.Context, dev *run.Device, p *plan.Plan, inputs map[string]*interp.Tensor) (err error) {
	if r.pr, err = run.NewProgram(ctx, dev, r.store, p, run.ProgramOptions{Slots: 1}); err != nil {
		return err
	}
	if r.slot, err = r.pr.Acquire(ctx); err != nil {
		return err
	}
	if err := r.pr.Fill(r.slot, inputs); err != nil {
		return err
	}
	if err := r.pr.Execute(ctx, r.slot); err != nil { // inputs in place, the driver's own compiling done
		return err
	}
	for r.times = 1; ; r.times = min(4*r.times, tuneMost) {
		if err := r.record(); err != nil {
			return err
		}
		took, err := r.once()
		if err != nil || took >= tuneLeast || r.times == tuneMost {
			return err
		}
	}
}

// record repeats the plan's last dispatch.
func (r *tuneRun) record() (err error) {
	r.forget()
	r.recorded, err = r.pr.Repeat(len(r.pr.Plan.Dispatches)-1, r.times)
	return err
}

func (r *tuneRun) once() (time.Duration, error) {
	start := time.Now()
	err := r.pr.Run(r.slot, r.recorded)
	return time.Since(start), err
}

// time is what one dispatch takes: process CPU time on a software device.
func (r *tuneRun) time() (time.Duration, error) {
	cpu := processTime()
	took, err := r.once()
	if r.cpu {
		took = processTime() - cpu
	}
	return took / time.Duration(r.times), err
}

func (r *tuneRun) forget() {
	if r.recorded != nil {
		r.recorded.Close()
		r.recorded = nil
	}
}

func (r *tuneRun) close() {
	r.forget()
	if r.pr != nil {
		r.pr.Close()
		r.pr = nil
	}
	r.store.Close()
}

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
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
	store *weightStore
	pr    *program
	sets  *vk.Sets
	cmds  *vk.Commands
	times int // the dispatch is recorded so often
}

// tuneShape compiles, tests and loads one shape.
func (g *gpu) tuneShape(ctx context.Context, k *tuneKind, gr *graph.Graph, inputs map[string]*interp.Tensor, params Params, name string) (*tuneRun, error) {
	opt := plan.Options{Family: k.plan.Family, Precision: k.plan.Precision, Choices: plan.Choices{k.name: name}}
	p, err := plan.New(gr, g.lim, opt)
	if err != nil {
		return nil, err
	}
	d := &p.Dispatches[len(p.Dispatches)-1]
	if got := plan.Shape(d); plan.Kind(p, d) != k.name || got != name {
		return nil, fmt.Errorf("planned as %s %s", d.Kernel.Name, got)
	}
	c, err := plan.CaseOf(p, d, plan.CaseSize{})
	if err != nil {
		return nil, err
	}
	bad, err := g.runCase(ctx, c, d)
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, bad
	}
	run := &tuneRun{store: newWeightStore(g.dev, params)}
	if err := run.load(ctx, g, p, inputs); err != nil {
		run.close()
		return nil, err
	}
	return run, nil
}

func (r *tuneRun) load(ctx context.Context, g *gpu, p *plan.Plan, inputs map[string]*interp.Tensor) (err error) {
	if r.pr, err = newProgram(ctx, g.dev, g.pipes, r.store, p, programOptions{slots: 1}); err != nil {
		return err
	}
	s, err := r.pr.acquire(ctx)
	if err != nil {
		return err
	}
	defer r.pr.release(s)
	if err := r.pr.fill(s, inputs); err != nil {
		return err
	}
	if err := r.pr.submit(s); err != nil {
		return err
	}
	if err := r.pr.wait(s); err != nil { // inputs in place, the driver's own compiling done
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
	last := r.pr.dispatches[len(r.pr.dispatches)-1]
	last.Barrier = true
	list := make([]vk.Dispatch, r.times)
	for i := range list {
		list[i] = last
	}
	if r.sets, err = r.pr.dev.NewSets(list); err != nil {
		return err
	}
	r.cmds, err = r.pr.dev.Record(vk.Recording{Dispatches: list, Sets: r.sets})
	return err
}

func (r *tuneRun) once() (time.Duration, error) {
	s := r.pr.slots[0]
	start := time.Now()
	err := r.pr.dev.Submit([]*vk.Commands{r.cmds}, s.fence)
	if err == nil {
		err = r.pr.wait(s)
	}
	return time.Since(start), err
}

// time is what one dispatch takes: process CPU time on a software device.
func (r *tuneRun) time(g *gpu) (time.Duration, error) {
	cpu := processTime()
	took, err := r.once()
	if g.info.Type == vk.TypeCPU {
		took = processTime() - cpu
	}
	return took / time.Duration(r.times), err
}

func (r *tuneRun) forget() {
	if r.cmds != nil {
		r.cmds.Destroy()
		r.cmds = nil
	}
	if r.sets != nil {
		r.sets.Destroy()
		r.sets = nil
	}
}

func (r *tuneRun) close() {
	r.forget()
	if r.pr != nil {
		r.pr.close()
		r.pr = nil
	}
	r.store.close()
}

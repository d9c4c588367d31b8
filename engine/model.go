package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// maxPrograms bounds how many compiled sizes and batches a model keeps.
const maxPrograms = 6

// Model is a model on an engine. It may be used from several goroutines.
type Model struct {
	eng *Engine
	src *ModelSource

	mu       sync.Mutex
	store    *weightStore
	programs map[string]*loaded
	clock    int
}

// loaded is a computer in use by some goroutines.
type loaded struct {
	computer
	bytes int64 // device memory beside the weights
	users int
	used  int
	dead  bool // closed as soon as no one uses it
}

// Load takes a model over; the engine closes its source. Weights go to the
// device when the first graph that needs them is compiled.
func (e *Engine) Load(ctx context.Context, src *ModelSource) (*Model, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	if err := src.Config.Check(); err != nil {
		return nil, modelError(src.Name, err)
	}
	m := &Model{eng: e, src: src, programs: map[string]*loaded{}}
	e.mu.Lock()
	e.models[m] = true
	e.mu.Unlock()
	return m, nil
}

// Config is the model's configuration.
func (m *Model) Config() crate.Config { return m.src.Config }

// Source tells where the model came from.
func (m *Model) Source() *ModelSource { return m.src }

// release drops what the model has on the device; the engine's use lock is
// held for writing, so nothing is in flight.
func (m *Model) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.programs {
		p.close()
	}
	m.programs = map[string]*loaded{}
	if m.store != nil {
		m.store.close()
		m.store = nil
	}
}

// Close releases the model's device memory and its file.
func (m *Model) Close() error {
	m.eng.use.Lock()
	defer m.eng.use.Unlock()
	m.eng.mu.Lock()
	known := m.eng.models[m]
	delete(m.eng.models, m)
	m.eng.mu.Unlock()
	if !known {
		return nil
	}
	m.release()
	return m.src.Close()
}

// Request is what is to be computed, of which size, how many images at once.
type Request = readout.Request

// Graph builds the graph of a request and runs the passes.
func (m *Model) Graph(r Request, opt pass.Options) (*graph.Graph, error) {
	return readout.Graph(&m.src.Config, r, opt)
}

// acquire finds or compiles the computer of a request. The caller holds the
// engine's use lock for reading until it calls done.
func (m *Model) acquire(ctx context.Context, r Request) (c computer, done func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eng.closed {
		return nil, nil, ErrClosed
	}
	key := fmt.Sprintf("%+v", r)
	p := m.programs[key]
	if p == nil {
		m.evict()
		if p, err = m.compile(ctx, r); err != nil {
			return nil, nil, err
		}
		m.programs[key] = p
	}
	m.clock++
	p.users, p.used = p.users+1, m.clock
	return p, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if p.users--; p.dead && p.users == 0 {
			p.close()
		}
	}, nil
}

// evict makes room for one more program: the one not used for longest goes.
func (m *Model) evict() {
	for len(m.programs) >= maxPrograms {
		oldest := ""
		for key, p := range m.programs {
			if oldest == "" || p.used < m.programs[oldest].used {
				oldest = key
			}
		}
		p := m.programs[oldest]
		delete(m.programs, oldest)
		if p.users == 0 {
			p.close()
		} else {
			p.dead = true
		}
	}
}

func (m *Model) compile(ctx context.Context, r Request) (*loaded, error) {
	g, err := m.Graph(r, pass.Options{Without: m.eng.opt.without})
	if err != nil {
		return nil, err
	}
	if c := m.eng.clock; c != nil {
		return &loaded{computer: newSimulated(g, c)}, nil
	}
	if m.eng.gpu == nil {
		c, err := newInterpComputer(ctx, g, m.src.params)
		if err != nil {
			return nil, modelError(m.src.Name, err)
		}
		return &loaded{computer: c}, nil
	}
	p, err := m.eng.plan(ctx, g)
	if err != nil {
		return nil, err
	}
	return m.loadPlan(ctx, p)
}

func (e *Engine) planOptions() plan.Options {
	opt := plan.Options{Family: e.opt.family, Precision: e.opt.precision.dtype(), Choices: plan.Choices{Tuned: e.tuned}}
	if e.opt.choices != nil {
		opt.Choices = *e.opt.choices
	}
	if e.gpu != nil {
		opt.Disabled = e.gpu.broken
	}
	return opt
}

// plan lowers a graph for the engine's device. Kernels that fail their
// self-test are reported and planned around; each round rules out at least one
// more, so it ends.
func (e *Engine) plan(ctx context.Context, g *graph.Graph) (*plan.Plan, error) {
	for {
		p, err := plan.New(g, e.gpu.lim, e.planOptions())
		if err != nil || !e.opt.selfTest {
			return p, err
		}
		failed, err := e.selfTest(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(failed) == 0 {
			return p, nil
		}
		for _, f := range failed {
			if e.gpu.broken[f.Kernel] {
				return nil, f // no other kernel can take its place
			}
			e.opt.log.Error("kernel disabled on this device", "kernel", f.Kernel, "reason", f.Error())
			e.gpu.broken[f.Kernel] = true
		}
	}
}

// loadPlan puts a plan on the device.
func (m *Model) loadPlan(ctx context.Context, p *plan.Plan) (*loaded, error) {
	g := m.eng.gpu
	need := NeedOf(p).Total()
	if used := m.deviceBytes(); g.lim.Memory > 0 && used+need > g.lim.Memory {
		return nil, fmt.Errorf("%w: the model needs %d MB for this size and batch, and %d MB of %d MB are in use", ErrOutOfMemory, need>>20, used>>20, g.lim.Memory>>20)
	}
	if m.store == nil {
		m.store = m.newStore(g)
	}
	pr, err := newProgram(ctx, g.dev, g.pipes, m.store, p, programOptions{slots: slots})
	m.store.release()
	if err != nil {
		return nil, m.blame(err)
	}
	g.keepPipelines()
	return &loaded{computer: deviceComputer{pr}, bytes: p.ArenaBytes() + slots*hostBytes(p)}, nil
}

// blame makes errors that come from the weight file model errors.
func (m *Model) blame(err error) error {
	var vkErr interface{ Is(error) bool }
	if errors.As(err, &vkErr) || errors.Is(err, ErrOutOfMemory) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return modelError(m.src.Name, err)
}

// deviceBytes is the memory that the model's programs have taken.
func (m *Model) deviceBytes() int64 {
	var n int64
	for _, p := range m.programs {
		n += p.bytes
	}
	return n
}

// hostBytes is the staging memory of one slot.
func hostBytes(p *plan.Plan) int64 {
	var n int64
	for _, b := range p.Buffers {
		if b.Role == plan.Input {
			n += b.Layout.Bytes()
		}
	}
	for _, o := range p.Outputs {
		for _, b := range o.Buffers {
			n += p.Buffers[b].Layout.Bytes()
		}
	}
	return n
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// maxPrograms bounds how many compiled sizes and batches a model keeps.
const maxPrograms = 6

// Model is a model on an engine. It may be used from several goroutines.
type Model struct {
	eng *Engine
	src *ModelSource

	mu       sync.Mutex
	store    *run.WeightStore
	programs map[string]*loaded
	clock    int
	closed   bool
}

// loaded is a computer in use by some goroutines.
type loaded struct {
	run.Computer
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
		p.Close()
	}
	m.programs = map[string]*loaded{}
	if m.store != nil {
		m.store.Close()
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
	m.closed = true
	return m.src.Close()
}

// Request is what is to be computed, of which size, how many images at once.
type Request = readout.Request

// acquire finds or compiles the computer of a request. The caller holds the
// engine's use lock for reading until it calls done.
func (m *Model) acquire(ctx context.Context, r Request) (c run.Computer, done func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eng.closed || m.closed {
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
			p.Close()
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
			p.Close()
		} else {
			p.dead = true
		}
	}
}

func (m *Model) compile(ctx context.Context, r Request) (*loaded, error) {
	g, err := readout.Graph(&m.src.Config, r, m.passes())
	if err != nil {
		return nil, err
	}
	if c := m.eng.clock; c != nil {
		return &loaded{Computer: run.Simulate(g, c)}, nil
	}
	if m.eng.device == nil {
		c, err := run.OnInterpreter(ctx, g, m.src.params, crate.InputName)
		if err != nil {
			return nil, modelError(m.src.Name, err)
		}
		return &loaded{Computer: c}, nil
	}
	p, err := m.eng.device.Plan(ctx, g, m.eng.planOptions())
	if err != nil {
		return nil, err
	}
	return m.loadPlan(ctx, p)
}

// loadPlan puts a plan on the device.
func (m *Model) loadPlan(ctx context.Context, p *plan.Plan) (*loaded, error) {
	d := m.eng.device
	need := run.NeedOf(p)
	if used := m.deviceBytes(); d.Limits.Memory > 0 && used+need.Total() > d.Limits.Memory {
		return nil, fmt.Errorf("%w: the model needs %d MB for this size and batch, and %d MB of %d MB are in use", ErrOutOfMemory, need.Total()>>20, used>>20, d.Limits.Memory>>20)
	}
	store := m.weights()
	pr, err := run.NewProgram(ctx, d.Device, store, p, run.ProgramOptions{Slots: run.Slots})
	store.Release()
	if err != nil {
		return nil, m.blame(err)
	}
	d.KeepPipelines()
	return &loaded{Computer: run.OnDevice(pr, crate.InputName), bytes: need.Own()}, nil
}

// blame makes errors that come from the weights model errors.
func (m *Model) blame(err error) error {
	var weights *run.WeightError
	if !errors.As(err, &weights) {
		return err
	}
	return modelError(m.src.Name, err)
}

// Inside shows engine/measure the model on its device. Until release is called
// the engine and the model are not closed.
func (m *Model) Inside(key inside.Key) (v inside.Model, release func(), err error) {
	e, release, err := m.eng.Inside(key)
	if err != nil {
		return inside.Model{}, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		release()
		return inside.Model{}, nil, ErrClosed
	}
	v = inside.Model{Machine: e, Name: m.src.Name, Config: &m.src.Config, Params: m.src.params, Passes: m.passes(), Blame: m.blame}
	if e.Device != nil {
		v.Store = m.weights()
	}
	return v, release, nil
}

// passes are the graph passes that the engine runs.
func (m *Model) passes() pass.Options { return pass.Options{Without: m.eng.opt.without} }

// weights is where the model's weights go; mu is held.
func (m *Model) weights() *run.WeightStore {
	if m.store == nil {
		m.store = run.NewCachedStore(m.eng.device.Device, m.src.params)
	}
	return m.store
}

// deviceBytes is the memory that the model's programs have taken.
func (m *Model) deviceBytes() int64 {
	var n int64
	for _, p := range m.programs {
		n += p.bytes
	}
	return n
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// programs are the compiled graphs of an engine's models. They are kept until
// there are too many of them, or until another one needs their memory: the one
// that was not used for longest goes first.
type programs struct {
	keep int // how many

	mu    sync.Mutex
	clock int
	list  map[programKey]*program
}

// programKey is an owner and what of him is compiled.
type programKey struct {
	owner *holding
	work  string
}

// program is a compiled graph, or one that is being compiled.
type program struct {
	run.Computer
	key    programKey
	ready  chan struct{} // closed when it is compiled, or err says why not
	err    error
	cancel context.CancelFunc // of the compiling

	// Guarded by programs.mu.
	users int
	used  int  // when, by programs.clock
	gone  bool // no longer in the list: closed as soon as no one uses it
}

// acquire finds or compiles a program. The caller is inside the owner's gate
// until he has called done. Compiling goes on for as long as somebody waits for
// it, and locks nobody else out.
func (ps *programs) acquire(ctx context.Context, key programKey, compile func(ctx context.Context) (run.Computer, error)) (_ *program, done func(), err error) {
	ps.mu.Lock()
	p := ps.list[key]
	if p == nil {
		p = &program{key: key, ready: make(chan struct{})}
		ps.list[key] = p
		var compiling context.Context
		compiling, p.cancel = context.WithCancel(key.owner.ctx)
		key.owner.again()
		go func() {
			defer key.owner.leave()
			defer p.cancel()
			c, err := compile(compiling)
			ps.compiled(p, c, run.CauseOf(compiling, err))
		}()
	}
	ps.clock++
	p.users, p.used = p.users+1, ps.clock
	ps.mu.Unlock()
	select {
	case <-p.ready:
		err = p.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		ps.done(p)
		return nil, nil, err
	}
	return p, func() { ps.done(p) }, nil
}

// compiled says that a program is there, or why not.
func (ps *programs) compiled(p *program, c run.Computer, err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p.Computer, p.err = c, err
	close(p.ready)
	if err != nil && ps.list[p.key] == p {
		delete(ps.list, p.key)
	}
	if p.gone && p.users == 0 {
		p.close()
	}
	ps.trim()
}

// close frees a program; mu is held.
func (p *program) close() {
	if p.Computer != nil {
		p.Computer.Close()
		p.Computer = nil
	}
}

func (p *program) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// done says that a user is done with a program. What is still being compiled
// then is wanted by no one.
func (ps *programs) done(p *program) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	if !p.isReady() {
		p.cancel()
		ps.drop(p)
		return
	}
	if p.gone {
		p.close()
	}
	ps.trim()
}

// trim drops what is too much; mu is held.
func (ps *programs) trim() {
	for len(ps.list) > ps.keep && ps.evict() {
	}
}

// drop takes a program out of the list; mu is held.
func (ps *programs) drop(p *program) {
	if ps.list[p.key] == p {
		delete(ps.list, p.key)
	}
	p.gone = true
	if p.users == 0 && p.isReady() {
		p.close()
	}
}

// remove drops a program, behind whoever uses it.
func (ps *programs) remove(key programKey) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.list[key]; p != nil {
		ps.drop(p)
	}
}

// evict drops the program that nobody uses and that was not used for longest, if
// there is one; mu is held.
func (ps *programs) evict() bool {
	var oldest *program
	for _, p := range ps.list {
		if p.users == 0 && p.isReady() && (oldest == nil || p.used < oldest.used) {
			oldest = p
		}
	}
	if oldest == nil {
		return false
	}
	ps.drop(oldest)
	return true
}

// makeRoom is evict for who needs memory.
func (ps *programs) makeRoom() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.evict()
}

// forget drops the programs of an owner, or all of them. Nobody is inside.
func (ps *programs) forget(owner *holding) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.list {
		if owner == nil || p.key.owner == owner {
			ps.drop(p)
		}
	}
}

// holding is what has weights on a device, and programs: a model, or a graph of
// an embedder's own.
type holding struct {
	eng    *Engine
	name   string // for messages
	params Params
	use    gate
	ctx    context.Context // ends, with the reason, when it is closed, or the engine is
	cancel context.CancelCauseFunc

	closed func() // what it holds beside the device; nil: nothing

	mu    sync.Mutex
	store *run.WeightStore
}

// newHolding adds one to the engine, inside whose gate the caller is.
func (e *Engine) newHolding(name string, params Params) *holding {
	h := &holding{eng: e, name: name, params: params}
	h.ctx, h.cancel = context.WithCancelCause(e.ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.holdings[h] = true
	return h
}

// enter keeps engine and weights from being closed until leave is called.
func (h *holding) enter(ctx context.Context) error {
	if err := h.eng.use.enter(ctx); err != nil {
		return err
	}
	if err := h.use.enter(ctx); err != nil {
		h.eng.use.leave()
		return err
	}
	return nil
}

func (h *holding) again() {
	h.eng.use.again()
	h.use.again()
}

func (h *holding) leave() {
	h.use.leave()
	h.eng.use.leave()
}

// close ends what runs, between two submissions, waits for it and frees what is
// on the device. It may be called twice.
func (h *holding) close(reason error) {
	if !h.use.shut(reason) {
		h.use.empty()
		return
	}
	h.cancel(reason)
	h.use.empty()
	h.eng.mu.Lock()
	known := h.eng.holdings[h]
	delete(h.eng.holdings, h)
	h.eng.mu.Unlock()
	if known { // else the engine was closed
		h.release()
		if h.closed != nil {
			h.closed()
		}
	}
}

// rebuild opens a lost device anew. It returns when ctx ends; the device is opened
// behind it.
func (h *holding) rebuild(ctx context.Context, lost *prove.Device) error {
	_, err := behind(ctx, func() (struct{}, error) { return struct{}{}, h.eng.rebuild(lost) }, nil)
	return err
}

// release drops what is on the device; nobody is inside.
func (h *holding) release() {
	h.eng.programs.forget(h)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store != nil {
		h.store.Close()
		h.store = nil
	}
}

// weights is where the weights go.
func (h *holding) weights() *run.WeightStore {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store == nil {
		h.store = run.NewCachedStore(h.eng.device.Device, h.params)
	}
	return h.store
}

// acquire finds or compiles the program of a graph, which build makes where it
// has to be compiled. Outputs in keep stay on the device.
func (h *holding) acquire(ctx context.Context, work string, build func() (*graph.Graph, error), keep ...string) (p *program, done func(), err error) {
	return h.eng.programs.acquire(ctx, programKey{h, work}, func(ctx context.Context) (run.Computer, error) {
		start := time.Now()
		g, err := build()
		if err != nil {
			return nil, err
		}
		c, err := h.compile(ctx, g, keep)
		if momentary(err) {
			c, err = h.compile(ctx, g, keep)
		}
		h.eng.tell(Event{Kind: Compiled, Model: h.name, Work: work, Duration: time.Since(start), Err: err})
		return c, err
	})
}

func (h *holding) compile(ctx context.Context, g *graph.Graph, keep []string) (run.Computer, error) {
	e := h.eng
	if e.clock != nil {
		return run.Simulate(g, e.clock, keep...), nil
	}
	if e.device == nil {
		c, err := run.OnInterpreter(ctx, g, h.params, keep...)
		return c, h.blame(err)
	}
	p, err := e.device.Plan(ctx, g, e.planOptions(), keep...)
	if err != nil {
		return nil, err
	}
	pr, err := h.put(ctx, p, keep)
	if err != nil {
		return nil, h.blame(err)
	}
	e.device.KeepPipelines()
	return run.OnDevice(pr), nil
}

// put puts a plan on the device. Where its memory is full, programs that nobody
// uses make room.
func (h *holding) put(ctx context.Context, p *plan.Plan, keep []string) (*run.Program, error) {
	d, store := h.eng.device, h.weights()
	defer store.Release()
	for {
		need, left, limit := run.NeedOf(p, keep...).Own()+store.Missing(p), d.VK.MemoryLeft(), d.Limits.Memory
		err := error(nil)
		if limit > 0 && need > left {
			err = fmt.Errorf("%w: the model needs %s more for this size and batch, and %s of %s are in use", ErrOutOfMemory, run.Megabytes(need), run.Megabytes(limit-left), run.Megabytes(limit))
		}
		if err == nil {
			var pr *run.Program
			if pr, err = run.NewProgram(ctx, d.Device, store, p, run.ProgramOptions{Slots: run.Slots, Keep: keep, Segments: h.eng.opt.segments}); err == nil {
				return pr, nil
			}
			if momentary(err) {
				err = fmt.Errorf("%w (the model needs %s for this size and batch; %s of %s are in use)", err, run.Megabytes(need), run.Megabytes(limit-left), run.Megabytes(limit))
			}
		}
		if !errors.Is(err, ErrOutOfMemory) || !h.eng.programs.makeRoom() {
			return nil, err
		}
	}
}

// blame makes errors that come from the weights model errors.
func (h *holding) blame(err error) error {
	var weights *run.WeightError
	if !errors.As(err, &weights) {
		return err
	}
	return modelError(h.name, err)
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/memory"
)

// Engine is an open device, or the interpreter.
type Engine struct {
	opt   options
	info  DeviceInfo
	tuned map[string]string // the stored choice of kernel shapes

	use    gate            // of device and programs
	ctx    context.Context // ends with ErrClosed when the engine is closed
	cancel context.CancelCauseFunc
	inst   *vk.Instance
	device *prove.Device // nil of the interpreter, and of a simulated device
	clock  *run.Clock    // of a simulated device
	gone   chan struct{} // closed when everything is released

	programs programs

	mu       sync.Mutex
	holdings map[*holding]bool
	tensors  map[*DeviceTensor]bool
	attached map[*func()]bool // what others have on the device: see Attach
	compiled int              // how many Programs there were
}

// Open selects a device and opens it. When there is none the error is
// ErrNoDevice and says whether the loader, a driver or a device is missing.
func Open(ctx context.Context, opts ...Option) (*Engine, error) {
	e := &Engine{opt: defaults(), holdings: map[*holding]bool{}, tensors: map[*DeviceTensor]bool{}, gone: make(chan struct{})}
	for _, o := range opts {
		if o != nil {
			o(&e.opt)
		}
	}
	if err := e.opt.check(); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	e.programs.keep, e.programs.list = e.opt.programs, map[programKey]*program{}
	if e.opt.device == Interpreter {
		e.info = run.ReferenceDevice()
		e.opt.log.Info("running on the interpreter: the reference, not the fast path")
		return e, nil
	}
	if e.opt.Simulate > 0 {
		e.info, e.clock = run.SimulatedDevice(e.opt.Simulate), run.NewClock(e.opt.Simulate)
		return e, nil
	}
	if dir := e.opt.cacheDir; dir != "" {
		if err := diskcache.Dir(dir).Make(); err != nil {
			e.opt.log.Warn("nothing is kept from run to run", "reason", err)
			e.opt.cacheDir = ""
		}
	}
	// Drivers take it that address space is there, and end the process where it isn't.
	if err := memory.Here().CheckSpace("a Vulkan device", 1300<<20, runtime.GOMAXPROCS(0)); err != nil {
		return nil, fmt.Errorf("engine: %w: %w", ErrOutOfMemory, err)
	}
	inst, err := vk.Open(vk.Options{Validation: e.opt.validation, VectorBits: e.opt.VectorBits, Faults: e.opt.Faults})
	if errors.Is(err, ErrConflict) {
		return nil, err
	} else if err != nil {
		return nil, run.NoVulkan(err)
	}
	e.inst = inst
	if e.device, err = e.openDevice(ctx, e.opt.device); err != nil {
		inst.Close()
		return nil, err
	}
	e.info = run.Describe(e.device.Info)
	e.adoptTuning()
	e.opt.log.Info("running on " + e.info.String())
	return e, nil
}

func (e *Engine) openDevice(ctx context.Context, selector string) (*prove.Device, error) {
	d, err := run.OpenDevice(e.inst, run.DeviceOptions{
		Selector: selector, Half: e.opt.precision == FP16, Statistics: e.opt.Statistics,
		Memory: e.opt.memory, CacheDir: e.opt.cacheDir, SPIRV: e.opt.SPIRV, Root: e.opt.root,
		Warn:   func(fact string) { e.opt.log.Warn("running on a software device", "reason", fact) },
		OnHost: func(fact string) { e.opt.log.Warn("the device's memory is full", "reason", fact) },
	})
	if err != nil {
		return nil, err
	}
	dev := prove.NewDevice(d, prove.Options{Log: e.opt.log, Trusted: e.opt.Trusted})
	if err := dev.ChooseLoad(ctx); err != nil {
		dev.Close()
		return nil, err
	}
	return dev, nil
}

// adoptTuning reads the stored choice for the engine's device, once, as the
// engine is opened: it stays the same until the engine is closed.
func (e *Engine) adoptTuning() {
	if e.opt.Untuned {
		return
	}
	shapes, err := run.ReadTuning(e.opt.cacheDir, run.TuningDeviceOf(e.device.Info))
	if err != nil {
		e.opt.log.Warn("the stored tuning is ignored", "reason", err)
		return
	}
	e.tuned = shapes
}

// planOptions are what plans are made with, but for the kernels that are
// disabled.
func (e *Engine) planOptions() plan.Options {
	return plan.Options{Family: e.opt.Family, Precision: e.opt.precision.dtype(), Choices: plan.Choices(e.tuned)}
}

// Inside shows engine/measure and engine/expert what the engine runs on. Until release is called
// the engine is not closed.
func (e *Engine) Inside(inside.Key) (m inside.Machine, release func(), err error) {
	if err := e.use.enter(context.Background()); err != nil {
		return inside.Machine{}, nil, err
	}
	return e.machine(), e.use.leave, nil
}

// Attach has drop called before the device is closed, as the engine is or as the device was
// lost: engine/window frees what it has there. Nobody is inside the engine then.
func (e *Engine) Attach(_ inside.Key, drop func()) (detach func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.attached == nil {
		e.attached = map[*func()]bool{}
	}
	e.attached[&drop] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.attached, &drop)
	}
}

// Renew opens a device anew that engine/window found lost.
func (e *Engine) Renew(_ inside.Key, lost *prove.Device) error { return e.rebuild(lost) }

// dropAttached has everybody free what is attached; nobody is inside.
func (e *Engine) dropAttached() {
	e.mu.Lock()
	list := slices.Collect(maps.Keys(e.attached))
	e.mu.Unlock()
	for _, drop := range list {
		(*drop)()
	}
}

// machine is what the engine runs on; the caller is inside its gate.
func (e *Engine) machine() inside.Machine {
	m := inside.Machine{Device: e.device, Simulated: e.clock != nil, Options: e.planOptions(), CacheDir: e.opt.cacheDir,
		Limits: plan.BaselineLimits(), Tuning: "none"}
	if e.device != nil {
		m.Limits, m.Tuning = e.device.Limits, run.TuningName(e.tuned)
	}
	return m
}

// Device describes what the engine runs on.
func (e *Engine) Device() DeviceInfo { return e.info }

// Close ends what runs between two submissions to the device, waits for that,
// and releases everything, models included. Calls that were under way, and all
// later ones, give ErrClosed. It may be called twice, from several goroutines,
// and from a loop over a stream.
func (e *Engine) Close() error {
	if e == nil { // deferred before Open's error was looked at
		return nil
	}
	if !e.use.shut(ErrClosed) {
		<-e.gone
		return nil
	}
	e.cancel(ErrClosed)
	e.use.empty()
	e.teardown()
	return nil
}

// teardown releases everything. The gate is shut, and nobody is inside.
func (e *Engine) teardown() {
	e.mu.Lock()
	list := slices.Collect(maps.Keys(e.holdings))
	e.holdings = nil
	e.mu.Unlock()
	for _, h := range list {
		h.use.shut(ErrClosed)
		h.release()
		if h.closed != nil {
			h.closed()
		}
	}
	e.dropAttached()
	e.dropTensors(ErrClosed)
	if e.device != nil {
		e.device.Close()
		e.device = nil
	}
	if e.inst != nil {
		e.inst.Close()
	}
	for _, m := range vk.Messages() {
		e.opt.log.Error("validation: " + m)
	}
	close(e.gone)
}

// rebuild replaces a lost device by the same one, opened anew. Whoever noticed
// first rebuilds; the others find another device than the one they lost.
func (e *Engine) rebuild(lost *prove.Device) error {
	release, err := e.use.have()
	if err != nil {
		return err
	}
	defer release()
	if e.device != lost {
		return nil
	}
	e.opt.log.Warn("the device was lost: opening it again")
	e.mu.Lock()
	list := slices.Collect(maps.Keys(e.holdings))
	e.mu.Unlock()
	for _, h := range list {
		h.release()
	}
	e.dropAttached()
	e.dropTensors(errTensorLost)
	lost.Close()
	// The same device by its UUID: what auto or a name finds may have changed,
	// and the tuning belongs to this one.
	if e.device, err = e.openDevice(context.Background(), "uuid:"+e.info.UUID); err == nil {
		return nil
	}
	err = fmt.Errorf("%w, and opening it again failed: %w", ErrDeviceLost, err)
	e.device = nil // closed
	if e.use.shut(err) {
		e.cancel(err)
		e.teardown()
	}
	return err
}

package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Engine is an open device, or the interpreter.
type Engine struct {
	opt   options
	info  DeviceInfo
	tuned map[string]string // the stored choice of kernel shapes

	// use is held for reading while something uses the device, and for writing
	// while the device is rebuilt or closed.
	use    sync.RWMutex
	inst   *vk.Instance
	device *prove.Device // nil of the interpreter, and of a simulated device
	closed bool
	clock  *run.Clock // of a simulated device

	mu     sync.Mutex
	models map[*Model]bool
}

// Open selects a device and opens it. When there is none the error is
// ErrNoDevice and says whether the loader, a driver or a device is missing.
func Open(ctx context.Context, opts ...Option) (*Engine, error) {
	e := &Engine{opt: defaults(), models: map[*Model]bool{}}
	for _, o := range opts {
		o(&e.opt)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.opt.device == Interpreter {
		e.info = run.ReferenceDevice()
		e.opt.log.Info("running on the interpreter: the reference, not the fast path")
		return e, nil
	}
	if e.opt.simulate > 0 {
		e.info, e.clock = run.SimulatedDevice(e.opt.simulate), run.NewClock(e.opt.simulate)
		return e, nil
	}
	inst, err := vk.Open(vk.Options{Validation: e.opt.validation, VectorBits: e.opt.bits, Faults: e.opt.faults})
	if err != nil {
		return nil, run.NoDevice(err)
	}
	e.inst = inst
	if e.device, err = e.openDevice(); err != nil {
		inst.Close()
		return nil, err
	}
	e.info = run.Describe(e.device.Info)
	e.adoptTuning()
	e.opt.log.Info("running on " + e.info.String())
	return e, nil
}

func (e *Engine) openDevice() (*prove.Device, error) {
	d, err := run.OpenDevice(e.inst, run.DeviceOptions{
		Selector: e.opt.device, Half: e.opt.precision == FP16, Statistics: e.opt.statistics,
		Memory: e.opt.memory, CacheDir: e.opt.cacheDir, SPIRV: e.opt.spirv,
	})
	if err != nil {
		return nil, err
	}
	return prove.NewDevice(d, prove.Options{Log: e.opt.log, Trusted: !e.opt.selfTest}), nil
}

// adoptTuning reads the stored choice for the engine's device, once, as the
// engine is opened: it stays the same until the engine is closed.
func (e *Engine) adoptTuning() {
	if e.opt.untuned {
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
	opt := plan.Options{Family: e.opt.family, Precision: e.opt.precision.dtype(), Choices: plan.Choices(e.tuned)}
	if e.opt.choices != nil {
		opt.Choices = e.opt.choices
	}
	return opt
}

// Inside shows engine/measure what the engine runs on. Until release is called
// the engine is not closed.
func (e *Engine) Inside(inside.Key) (m inside.Machine, release func(), err error) {
	e.use.RLock()
	if e.closed {
		e.use.RUnlock()
		return inside.Machine{}, nil, ErrClosed
	}
	return inside.Machine{Device: e.device, Options: e.planOptions(), CacheDir: e.opt.cacheDir}, e.use.RUnlock, nil
}

// Device describes what the engine runs on.
func (e *Engine) Device() DeviceInfo { return e.info }

// Tuning names the choice of kernel shapes that outputs may depend on: none of
// the interpreter, static, a hash of the stored choice that measure.Tune made, or own
// for WithChoices.
func (e *Engine) Tuning() string {
	switch {
	case e.inst == nil: // the interpreter, or a simulated device
		return "none"
	case e.opt.choices != nil:
		return "own"
	}
	return run.TuningName(e.tuned)
}

// Limits are the device's limits as planning sees them; the baseline of the
// Vulkan specification for the interpreter.
func (e *Engine) Limits() plan.Limits {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.device == nil {
		return plan.BaselineLimits()
	}
	return e.device.Limits
}

// Close waits for the device and releases everything, models included. It may
// be called twice.
func (e *Engine) Close() error {
	if e == nil { // deferred before Open's error was looked at
		return nil
	}
	e.use.Lock()
	defer e.use.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.mu.Lock()
	for m := range e.models {
		m.release()
		m.src.Close()
	}
	e.models = nil
	e.mu.Unlock()
	if e.device != nil {
		e.device.Close()
		e.inst.Close()
	}
	for _, m := range vk.Messages() {
		e.opt.log.Error("validation: " + m)
	}
	return nil
}

// rebuild replaces a lost device. Whoever noticed first rebuilds; the others
// find another device than the one they lost.
func (e *Engine) rebuild(lost *prove.Device) error {
	e.use.Lock()
	defer e.use.Unlock()
	if e.closed {
		return ErrClosed
	}
	if e.device != lost {
		return nil
	}
	e.opt.log.Warn("the device was lost: opening it again")
	e.mu.Lock()
	for m := range e.models {
		m.release()
	}
	e.mu.Unlock()
	lost.Close()
	d, err := e.openDevice()
	if err != nil {
		// The old one is gone: leave nothing that a later call could use.
		e.closed = true
		e.device = nil
		e.inst.Close()
		return fmt.Errorf("%w, and opening it again failed: %w", ErrDeviceLost, err)
	}
	e.device = d
	return nil
}

package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
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
	gpu    *gpu
	closed bool
	clock  *simulatedClock // of a simulated device

	mu     sync.Mutex
	models map[*Model]bool
}

// gpu is one life of the device: after it was lost another one replaces it.
type gpu struct {
	dev   *vk.Device
	info  vk.Info
	lim   plan.Limits
	pipes *pipelineSet
	cache *diskCache
	pipe  *vk.Cache

	testing sync.Mutex      // one self-test at a time
	passed  map[string]bool // variants that passed, by variantKey
	broken  map[string]bool // kernels that failed
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
	if e.opt.device == CPUDevice {
		e.info = referenceDevice()
		e.opt.log.Info("running on the interpreter: the reference, not the fast path")
		return e, nil
	}
	if e.opt.simulate > 0 {
		e.info, e.clock = simulatedDevice(e.opt.simulate), &simulatedClock{delay: e.opt.simulate}
		return e, nil
	}
	inst, err := vk.Open(vk.Options{Validation: e.opt.validation, VectorBits: e.opt.bits, Faults: e.opt.faults})
	if err != nil {
		return nil, noDevice(err)
	}
	e.inst = inst
	if e.gpu, err = e.openGPU(); err != nil {
		inst.Close()
		return nil, err
	}
	e.info = describe(e.gpu.info)
	e.adoptTuning(e.gpu.info)
	e.opt.log.Info("running on " + e.info.String())
	return e, nil
}

func (e *Engine) openGPU() (*gpu, error) {
	infos, err := e.inst.Devices()
	if err != nil {
		return nil, noDevice(err)
	}
	info, err := choose(infos, e.opt.device)
	if err != nil {
		return nil, err
	}
	if e.opt.precision == FP16 && !info.Storage16 {
		return nil, noDevice(fmt.Errorf("%s has no 16-bit storage, which --precision fp16 needs", info.Name))
	}
	dev, err := e.inst.OpenDevice(info, e.opt.statistics)
	if err != nil {
		return nil, noDevice(fmt.Errorf("%s: %w", info.Name, err))
	}
	memory := e.opt.memory
	if memory == 0 {
		memory = info.LocalHeap / 4 * 3
	}
	g := &gpu{dev: dev, info: info, lim: limitsOf(info, memory)}
	g.cache = newDiskCache(e.opt.cacheDir, info, vk.VectorBits())
	if g.pipe, err = dev.NewCache(g.cache.read("pipelines")); err != nil {
		dev.Close()
		return nil, noDevice(fmt.Errorf("%s: %w", info.Name, err))
	}
	g.pipes = newPipelineSet(dev, g.pipe, e.opt.spirv)
	g.passed, g.broken = g.rememberedTests(), map[string]bool{}
	return g, nil
}

func (g *gpu) close() {
	g.pipes.close()
	g.pipe.Destroy()
	g.dev.Close()
}

// keepPipelines writes the pipeline cache to disk; a failure is no failure of
// the run.
func (g *gpu) keepPipelines() {
	if data, err := g.pipe.Data(); err == nil {
		g.cache.write("pipelines", data)
	}
}

// Device describes what the engine runs on.
func (e *Engine) Device() DeviceInfo { return e.info }

// Tuning names the choice of kernel shapes that outputs may depend on: none of
// the interpreter, static, a hash of the stored choice that Tune made, or own
// for WithChoices.
func (e *Engine) Tuning() string {
	switch {
	case e.inst == nil: // the interpreter, or a simulated device
		return "none"
	case e.opt.choices != nil:
		return "own"
	}
	return tuningName(e.tuned)
}

// Limits are the device's limits as planning sees them; the baseline of the
// Vulkan specification for the interpreter.
func (e *Engine) Limits() plan.Limits {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.gpu == nil {
		return plan.BaselineLimits()
	}
	return e.gpu.lim
}

// Close waits for the device and releases everything, models included. It may
// be called twice.
func (e *Engine) Close() error {
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
	if e.gpu != nil {
		e.gpu.close()
		e.inst.Close()
	}
	for _, m := range vk.Messages() {
		e.opt.log.Error("validation: " + m)
	}
	return nil
}

// rebuild replaces a lost device. Whoever noticed first rebuilds; the others
// find another device than the one they lost.
func (e *Engine) rebuild(lost *gpu) error {
	e.use.Lock()
	defer e.use.Unlock()
	if e.closed {
		return ErrClosed
	}
	if e.gpu != lost {
		return nil
	}
	e.opt.log.Warn("the device was lost: opening it again")
	e.mu.Lock()
	for m := range e.models {
		m.release()
	}
	e.mu.Unlock()
	lost.close()
	g, err := e.openGPU()
	if err != nil {
		// The old one is gone: leave nothing that a later call could use.
		e.closed = true
		e.gpu = nil
		e.inst.Close()
		return fmt.Errorf("%w, and opening it again failed: %w", ErrDeviceLost, err)
	}
	e.gpu = g
	return nil
}

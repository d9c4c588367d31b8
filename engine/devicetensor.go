package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// DeviceTensor is an output of a Program that stayed on the device: in memory of
// its own there, which counts against WithMemory until it is closed. It is the
// input of other programs of the same engine, as often as wanted and from several
// goroutines, and its contents never change. Where it lies in memory as the other
// program wants it, the device copies it; where not (float16 and float32, heads
// that are padded, tokens that lie the other way round), it goes through the
// host, and what the program computes has the same bits.
type DeviceTensor struct {
	eng  *Engine
	held *run.Held
}

// errTensorLost is what a tensor gives that was on a device that was lost.
var errTensorLost = fmt.Errorf("the tensor went with its device, compute it again: %w", ErrDeviceLost)

// Type is the element type and the shape.
func (t *DeviceTensor) Type() graph.Type {
	return graph.Type{DType: t.held.Type.DType, Shape: slices.Clone(t.held.Type.Shape)}
}

// Inside shows engine/window where the tensor lies.
func (t *DeviceTensor) Inside(inside.Key) *run.Held { return t.held }

// Bytes is the device memory that it takes until it is closed; 0 with the
// interpreter.
func (t *DeviceTensor) Bytes() int64 { return t.held.Bytes() }

// Read copies it to the host. Behind Close it gives ErrTensorClosed, and when the
// device was lost meanwhile an error that is ErrDeviceLost.
func (t *DeviceTensor) Read(ctx context.Context) (*Tensor, error) {
	e := t.eng
	if err := e.use.enter(ctx); err != nil {
		return nil, err
	}
	if err := t.held.Hold(); err != nil {
		e.use.leave()
		return nil, err
	}
	return behind(ctx, func() (*Tensor, error) {
		defer e.use.leave()
		defer t.held.Release()
		for {
			x, err := t.held.Read()
			if !e.roomFor(err) {
				return x, err
			}
		}
	}, nil)
}

// Close frees it, behind the runs that use it. It may be called twice. What is
// not closed is freed with the engine.
func (t *DeviceTensor) Close() error {
	if t == nil {
		return nil
	}
	t.eng.mu.Lock()
	delete(t.eng.tensors, t)
	t.eng.mu.Unlock()
	t.held.Free(ErrTensorClosed)
	return nil
}

// adopt makes tensors of what runs hold; the caller is inside the engine's gate,
// so that none is forgotten when the engine is closed.
func (e *Engine) adopt(held map[string]*run.Held) map[string]*DeviceTensor {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make(map[string]*DeviceTensor, len(held))
	for name, h := range held {
		list[name] = &DeviceTensor{e, h}
		e.tensors[list[name]] = true
	}
	return list
}

// dropTensors frees the tensors that nobody has closed; nobody is inside.
func (e *Engine) dropTensors(reason error) {
	e.mu.Lock()
	list := slices.Collect(maps.Keys(e.tensors))
	clear(e.tensors)
	e.mu.Unlock()
	for _, t := range list {
		t.held.Free(reason)
	}
}

// roomFor reports that the device's memory was full and that there is room now,
// as a program that nobody uses went.
func (e *Engine) roomFor(err error) bool {
	return errors.Is(err, ErrOutOfMemory) && e.programs.makeRoom()
}

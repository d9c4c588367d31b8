package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// Inputs are what a run is given, by the names of the program's inputs. Elements
// are in row-major order, the slowest axis first:
//
//	f32   *Tensor, []float32 or *DeviceTensor
//	u8    []byte
//	u32   []uint32, *Tensor with words as Outputs have them, or *DeviceTensor
//
// A slice has as many elements as the input; a tensor has its shape, but for axes
// of size 1, so that a tensor of one image need not have the batch's axis.
type Inputs map[string]any

// Outputs are what a run gives, by the names of the program's outputs. Words of
// 32 bits lie in a Tensor as float32 of the same bits: see math.Float32bits.
type Outputs struct {
	Tensors map[string]*Tensor
	Device  map[string]*DeviceTensor // those of CompileOptions.Keep; the caller closes them
}

// Close closes the tensors that stayed on the device.
func (o *Outputs) Close() error {
	if o == nil {
		return nil
	}
	for _, t := range o.Device {
		t.Close()
	}
	return nil
}

// Run computes the outputs, and when it returns the inputs are the caller's
// again. When ctx ends it returns with the cause, and the device is stopped at
// the next place where it can be.
//
// What a device that was lost did not finish is repeated once on the device
// opened anew; where an input was on that device the error says so, and is
// ErrDeviceLost. Numbers that are not finite are an error in inputs, and in outputs
// that are read. A graph that makes them of what it is given, by a division by zero or
// because they exceed the precision, gives a *NotFiniteError that names the operation;
// where the interpreter makes none of the same inputs, the device is taken not to have
// done its work, which is ErrLostWork. Outputs that stay on the device are looked at
// there.
func (p *Program) Run(ctx context.Context, in Inputs) (*Outputs, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(context.Cause(p.ctx)) })()
	out, device, err := p.once(ctx, in)
	again := momentary(err)
	if device != nil && errors.Is(err, ErrDeviceLost) {
		if err := p.h.rebuild(ctx, device); err != nil {
			return nil, err
		}
		again = true
	}
	if again {
		out, _, err = p.once(ctx, in)
	}
	return out, p.explained(ctx, err, in)
}

// explained finds out where numbers that are not finite came from.
func (p *Program) explained(ctx context.Context, err error, in Inputs) error {
	if !noNumbers(err) || p.enter(ctx) != nil {
		return err
	}
	defer p.leave()
	inputs, failed := p.given(in)
	if failed != nil {
		return err
	}
	return p.h.explained(ctx, err, p.source, inputs)
}

// once runs the program, on a device that may be lost with it: nil where the
// fault is the inputs'.
func (p *Program) once(ctx context.Context, in Inputs) (out *Outputs, device *prove.Device, err error) {
	if err := p.enter(ctx); err != nil {
		return nil, nil, err
	}
	inputs, err := p.given(in)
	if err != nil {
		p.leave()
		return nil, nil, err
	}
	device = p.h.eng.device
	wait, err := p.start(ctx, inputs)
	if err != nil {
		p.leave()
		return nil, device, run.CauseOf(ctx, err)
	}
	out, err = behind(ctx, func() (*Outputs, error) {
		defer p.leave()
		res, err := wait()
		if err != nil {
			return nil, err
		}
		return &Outputs{maps.Clone(res.Outputs), p.h.eng.adopt(res.Held)}, nil
	}, func(out *Outputs) { out.Close() })
	return out, device, err
}

// start gives a run to the device. The caller is inside the program's gate, and
// calls wait once.
func (p *Program) start(ctx context.Context, in run.Inputs) (wait func() (run.Result, error), err error) {
	c, done, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	for {
		finish, err := p.h.start(ctx, c, p.key, p.images, in)
		if p.h.eng.roomFor(err) {
			continue // what is to stay on the device has room now
		}
		if err != nil {
			done()
			return nil, err
		}
		return func() (run.Result, error) {
			defer done()
			return finish()
		}, nil
	}
}

// behind runs f on a goroutine of its own and returns when ctx ends, too; then
// what f gives goes to unwanted.
func behind[T any](ctx context.Context, f func() (T, error), unwanted func(T)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := f()
		done <- outcome{v, err}
	}()
	select {
	case o := <-done:
		return o.v, run.CauseOf(ctx, o.err)
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil && unwanted != nil {
				unwanted(o.v)
			}
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

// given checks inputs against the program's; the caller is inside its gate.
func (p *Program) given(in Inputs) (run.Inputs, error) {
	for name := range in {
		if !slices.ContainsFunc(p.inputs, func(port Port) bool { return port.Name == name }) {
			return nil, fmt.Errorf("engine: no input %q: there are %s", name, names(p.inputs))
		}
	}
	list := run.Inputs{}
	for _, port := range p.inputs {
		x, ok := in[port.Name]
		if !ok {
			return nil, fmt.Errorf("engine: input %q is missing: want %v", port.Name, port.Type)
		}
		one, err := p.input(port.Type, x)
		if err != nil {
			return nil, fmt.Errorf("engine: input %q: %w", port.Name, err)
		}
		list[port.Name] = one
	}
	return list, nil
}

// input is one input, once it is known to be what the program wants.
func (p *Program) input(want graph.Type, x any) (run.Input, error) {
	var in run.Input
	elems, is := 0, graph.F32
	shape := want.Shape
	switch x := x.(type) {
	case []byte:
		in.Bytes, elems, is = x, len(x), graph.U8
	case []uint32:
		in.Words, elems, is = x, len(x), graph.U32
	case []float32:
		in.Floats, elems = x, len(x)
	case *Tensor:
		if x == nil {
			return in, fmt.Errorf("the tensor is nil, want %v", want)
		}
		in.Floats, elems, shape = x.Data, len(x.Data), x.Shape
		if want.DType == graph.U32 {
			is = graph.U32
		}
	case *DeviceTensor:
		if x == nil {
			return in, fmt.Errorf("the tensor is nil, want %v", want)
		}
		if x.eng != p.h.eng {
			return in, errors.New("the tensor is on another engine's device")
		}
		if err := x.held.Hold(); err != nil {
			return in, err
		}
		x.held.Release() // the run holds it, and says so where it is closed meanwhile
		in.Held, shape, is = x.held, x.held.Type.Shape, x.held.Type.DType
		elems = shape.Elems()
	default:
		return in, fmt.Errorf("is a %T, want %v: see Inputs", x, want)
	}
	switch {
	case is != want.DType:
		return in, fmt.Errorf("has elements of type %v, want %v", is, want)
	case !sameButOnes(shape, want.Shape):
		return in, fmt.Errorf("is %v, want %v", shape, want)
	case elems != want.Shape.Elems():
		return in, fmt.Errorf("has %d elements, want %d: %v", elems, want.Shape.Elems(), want)
	}
	if want.DType == graph.F32 {
		for i, v := range in.Floats {
			if v-v != 0 { // NaN for NaN and the infinities
				return in, fmt.Errorf("element %d is %v, want finite numbers", i, v)
			}
		}
	}
	return in, nil
}

// sameButOnes reports shapes that are the same but for axes of size 1.
func sameButOnes(a, b graph.Shape) bool {
	long := func(s graph.Shape) []int { return slices.DeleteFunc(s.Sizes(), func(n int) bool { return n == 1 }) }
	return slices.Equal(long(a), long(b))
}

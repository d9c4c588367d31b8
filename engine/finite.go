package engine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// NotFiniteError says that what was asked for is no number: a NaN, an infinity, or
// more than the precision holds. Models give it whose weights, constants or input
// statistics are not what they were trained with, and graphs of an embedder's own that
// divide by zero or overflow. Running again gives it again. Where a device gives what
// is no number and the interpreter, for the same inputs, none, the error is
// ErrLostWork instead.
type NotFiniteError struct {
	Name   string // of the model or graph
	Tensor string // the first operation whose result is not finite, with the tensors that it is made with
	Cause  string // the likely one: which tensor or constant is huge, or that the precision is too small
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("%s: the result of %s is not finite: %s", e.Name, e.Tensor, e.Cause)
}

// half reports that tokens are stored as float16.
func (e *Engine) half() bool { return e.opt.precision == FP16 && e.device != nil }

// explained finds out where the numbers of a run that are not finite came from, with
// the graph as it was before the passes and its inputs, which are the caller's again
// when it returns. The caller is inside the holding's gate.
func (h *holding) explained(ctx context.Context, err error, g *graph.Graph, in run.Inputs) error {
	trace, failed := run.NewTrace(g, in)
	if failed != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })()
	h.again()
	fault, failed := behind(ctx, func() (*run.Fault, error) {
		defer h.leave()
		return trace.Run(ctx, h.params, h.eng.half())
	}, nil)
	switch {
	case failed != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case failed != nil || fault == nil:
		return err
	}
	return &NotFiniteError{h.name, fault.Value, fault.Cause}
}

// explained finds out about a batch, of which any image may be the one.
func (j *job[T]) explained(ctx context.Context, err error, images []*prepared) error {
	if !errors.As(err, new(*run.NotFiniteError)) {
		return err
	}
	g, failed := readout.Build(&j.m.config, j.request(images[:1]))
	if failed != nil {
		return err
	}
	for _, p := range images {
		why := j.m.explained(ctx, err, g, run.Inputs{crate.InputName: {Bytes: p.pixels}})
		if why != err {
			return why
		}
	}
	return err
}

// maxHalf is the largest number that float16 holds.
const maxHalf = 65504

// fitsHalf refuses a tensor that float16 does not hold.
func (m *ModelSource) fitsHalf(ctx context.Context) error {
	if m.life.verify == nil {
		return nil // a preset's are of order one
	}
	for _, t := range m.Config.Tensors() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		x, err := m.params(t.Name)
		if err != nil {
			return err
		}
		for i, v := range x {
			if math.Abs(v) > maxHalf {
				return fmt.Errorf("tensor %q: element %d is %g, and float16 holds none above %d: use --precision fp32", t.Name, i, v, maxHalf)
			}
		}
	}
	return nil
}

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
	"github.com/crate-vk/crate-vk/loader/memory"
)

// NotFiniteError says that what was asked for is no number: a NaN, an infinity, or
// more than the precision holds. Models give it whose weights, constants or input
// statistics are not what they were trained with, and graphs of an embedder's own that
// divide by zero or overflow. Running again gives it again. Of a stream's images those
// fail of which it is so, with the reason that the first of them has; where that is the
// first image of all, the stream ends. Where a device gives what is no number and the
// interpreter, for the same inputs, none, or would take too long to tell, the error is
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

// maxTrace is the arithmetic of a graph beyond which nobody looks for the reason: the
// interpreter takes a minute or two for that much, in which the model is not closed.
const maxTrace = 4e11

// traceable reports a graph that the interpreter can run in bounded time and in half of
// the room that the process has for memory.
func traceable(g *graph.Graph, room int64) bool {
	if g.FLOPs() > maxTrace {
		return false
	}
	static, kept, largest := g.Static(), 0, 0
	for _, v := range g.Values {
		n := v.Shape().Elems()
		if static[v] {
			kept += n
			continue
		}
		if v.Op == graph.OpMSSA || v.Op == graph.OpMHSA { // a head's map
			tokens := v.Shape()[1].Size
			n += tokens * tokens
		}
		largest = max(largest, n)
	}
	return 8*(int64(kept)+4*int64(largest)) <= room/2 // float64, some values at a time
}

// explained finds out where the numbers of a run that are not finite came from, with
// the graph as it was before the passes and its inputs, which are the caller's again
// when it returns. The caller is inside the holding's gate.
func (h *holding) explained(ctx context.Context, err error, g *graph.Graph, in run.Inputs) error {
	if !traceable(g, memory.Here().Room().Bytes) {
		return fmt.Errorf("%w (where they began was not looked for: that would take the interpreter too long, or too much memory; a smaller image may tell)", err)
	}
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

// explained finds out about an image that was computed alone. Of a batch it is not
// known yet whose numbers they are: see apart.
func (j *job[T]) explained(ctx context.Context, err error, images []*prepared) error {
	if !noNumbers(err) || len(images) > 1 {
		return err
	}
	// Of a folder of images the first one is looked into, and the others wait for that.
	j.reason.Lock()
	defer j.reason.Unlock()
	if j.found != nil {
		return j.found
	}
	g, failed := readout.Build(&j.m.config, j.request(images))
	if failed != nil {
		return err
	}
	err = j.m.explained(ctx, err, g, run.Inputs{crate.InputName: {Bytes: images[0].pixels}})
	errors.As(err, &j.found)
	return err
}

// noNumbers reports that a run gave numbers that are not finite, and nobody has found
// out why.
func noNumbers(err error) bool { return errors.As(err, new(*run.NotFiniteError)) }

// notFinite reports that a run gave numbers that are not finite, whether or not it is
// known why.
func notFinite(err error) bool { return noNumbers(err) || errors.As(err, new(*NotFiniteError)) }

// apart computes the images of a batch one by one whose numbers were not finite, as err
// says: those fail that alone give none either, and the others are done. A batch
// that none of its images explains is the device's fault.
func (j *job[T]) apart(ctx context.Context, images []*prepared, err error) (items []Item[T], _ error) {
	explained := false
	for i, p := range images {
		tensors, why := map[string]*Tensor(nil), err
		if len(images) > 1 {
			tensors, why = j.tensors(ctx, images[i:i+1])
		}
		switch {
		case why == nil:
			items = append(items, j.finished(images[i:i+1], tensors)...)
		case errors.As(why, new(*NotFiniteError)):
			explained = true
			items = append(items, failed[T](p, why).items...)
		default:
			return nil, why
		}
	}
	if !explained {
		return nil, err
	}
	return items, nil
}

// hopeless is the failure of a stream whose first image gave what is no number: the
// model is taken to be at fault, which would fail all others, too.
func hopeless[T any](first Item[T]) error {
	if first.Input.caller != nil || !errors.As(first.Err, new(*NotFiniteError)) {
		return nil // a Batcher's calls have nothing to do with each other
	}
	if first.Input.Name == "" {
		return first.Err
	}
	return fmt.Errorf("image %s: %w", first.Input.Name, first.Err)
}

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
			if math.Abs(v) > run.MaxHalf {
				return fmt.Errorf("tensor %q: element %d is %g, and float16 holds none above %d: use --precision fp32", t.Name, i, v, run.MaxHalf)
			}
		}
	}
	return nil
}

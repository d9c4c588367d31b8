package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// flight is a batch that is being computed, or an image that failed.
type flight[T any] struct {
	images []*prepared
	items  []Item[T]
	err    error         // of the stream
	ready  chan struct{} // closed when items or err are there

	computed bool // not an image that failed before that
}

// failed is the flight of an image that is not computed.
func failed[T any](p *prepared, err error) *flight[T] {
	f := &flight[T]{items: []Item[T]{{Input: p.input, Picture: p.picture, Frame: p.frame, Err: err}}, ready: make(chan struct{})}
	close(f.ready)
	return f
}

// tooMuch reports that the device has no room for a batch, or can't run it: fewer
// or smaller images may do.
func tooMuch(err error) bool {
	return errors.Is(err, ErrOutOfMemory) || errors.As(err, new(*plan.LimitError))
}

// momentary reports that it was the driver that had no memory, and not the limit that
// the engine keeps: what is tried once more may succeed.
func momentary(err error) bool {
	return errors.Is(err, ErrOutOfMemory) && errors.As(err, new(*vk.Error))
}

// request is the model's work for images of one size.
func (j *job[T]) request(images []*prepared) Request {
	f := images[0].frame
	return Request{Outputs: j.outputs, Height: f.TrimmedHeight(), Width: f.TrimmedWidth(), Batch: len(images), Positions: j.opt.Positions, Tau: j.tau, Mask: j.mask}
}

// start begins a batch. Its items are there when the flight is ready. An error
// says that it could not be started; it is the flight's, too.
func (j *job[T]) start(ctx context.Context, images []*prepared) (*flight[T], error) {
	f := &flight[T]{images: images, ready: make(chan struct{}), computed: true}
	wait, device, err := j.launch(ctx, images)
	lost := errors.Is(err, ErrDeviceLost)
	if err != nil && !lost {
		if tooMuch(err) && len(images) == 1 {
			r := j.request(images)
			err = fmt.Errorf("one image of %d × %d px is too much for the device: %w", r.Width, r.Height, err)
		}
		if f.forgotten(err) {
			err = nil
		}
		f.err = err
		close(f.ready)
		return f, err
	}
	go func() {
		defer close(f.ready)
		var tensors map[string]*Tensor
		if !lost {
			tensors, f.err = wait()
		}
		if lost || errors.Is(f.err, ErrDeviceLost) {
			tensors, f.err = j.again(ctx, device, images)
		}
		switch {
		case f.err == nil:
			f.items = j.finished(images, tensors)
		case notFinite(f.err):
			f.items, f.err = j.apart(ctx, images, f.err)
		case tooMuch(f.err):
			j.m.eng.opt.log.Warn("too much for the device: the batch is computed again in halves", "batch", len(images), "reason", f.err)
			f.items, f.err = j.parts(ctx, images)
		}
		if f.forgotten(f.err) {
			f.err = nil
		}
	}()
	return f, nil
}

// again repeats a batch that a lost device did not finish, once, on the device
// opened anew.
func (j *job[T]) again(ctx context.Context, lost *prove.Device, images []*prepared) (map[string]*Tensor, error) {
	if err := j.m.eng.rebuild(lost); err != nil {
		return nil, err
	}
	return j.tensors(ctx, images)
}

// tensors are those of a batch, once it is computed.
func (j *job[T]) tensors(ctx context.Context, images []*prepared) (map[string]*Tensor, error) {
	wait, _, err := j.launch(ctx, images)
	if err != nil {
		return nil, err
	}
	return wait()
}

// parts computes a batch once more that the device had no memory for while it ran: in
// halves, down to single images. Drivers say so also for a moment, so that one image is
// tried once more, too.
func (j *job[T]) parts(ctx context.Context, images []*prepared) (items []Item[T], err error) {
	for part := range slices.Chunk(images, (len(images)+1)/2) {
		tensors, err := j.tensors(ctx, part)
		var done []Item[T]
		switch {
		case err == nil:
			done = j.finished(part, tensors)
		case notFinite(err):
			done, err = j.apart(ctx, part, err)
		case tooMuch(err) && len(part) > 1:
			done, err = j.parts(ctx, part)
		}
		if err != nil {
			return nil, err
		}
		items = append(items, done...)
	}
	return items, nil
}

// launch gives a batch to the device. The caller calls wait once; until it
// returns neither engine nor model are closed.
func (j *job[T]) launch(ctx context.Context, images []*prepared) (wait func() (map[string]*Tensor, error), device *prove.Device, err error) {
	m := j.m
	if err := m.enter(ctx); err != nil {
		return nil, nil, err
	}
	device = m.eng.device
	r := j.request(images)
	p, done, err := m.program(ctx, r)
	if err != nil {
		m.leave()
		return nil, device, err
	}
	ctx, release := wanted(ctx, images)
	finish, err := m.start(ctx, p, describe(r), len(images), run.Inputs{crate.InputName: {Bytes: join(images)}})
	if err != nil {
		release()
		done()
		m.leave()
		return nil, device, err
	}
	return func() (map[string]*Tensor, error) {
		defer m.leave()
		defer done()
		defer release()
		res, err := finish()
		return res.Outputs, j.explained(ctx, err, images)
	}, device, nil
}

// start begins a batch on a program. It ends when ctx does, or when what it
// belongs to is closed.
func (h *holding) start(ctx context.Context, p *program, work string, images int, in run.Inputs) (wait func() (run.Result, error), err error) {
	both, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })
	release := func() {
		unhook()
		cancel(nil)
	}
	finish, err := p.Start(both, in)
	if err != nil {
		err = run.CauseOf(both, err)
		release()
		return nil, err
	}
	return func() (run.Result, error) {
		res, err := finish()
		err = run.CauseOf(both, err)
		release()
		h.eng.tell(Event{Kind: Queued, Model: h.name, Work: work, Images: images, Duration: res.Waited, Err: err})
		h.eng.tell(Event{Kind: Computed, Model: h.name, Work: work, Images: images, Duration: res.Took, Err: err})
		return res, err
	}, nil
}

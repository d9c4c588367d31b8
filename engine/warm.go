package engine

import (
	"context"
	"errors"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/prove"
)

// AnyReadout is a Readout, whatever its results are.
type AnyReadout interface {
	// Check reports the first option that makes no sense for a model.
	Check(c *crate.Config) error
	// Request is the work that the read-out asks of a model for a batch of images
	// of height × width px.
	Request(c *crate.Config, batch, height, width int) (Request, error)
	options() InputOptions
}

func (r Readout[T]) options() InputOptions { return r.input }

// PrepareOptions are the choices of Prepare. The zero value means the defaults.
type PrepareOptions struct {
	// Batches are the batch sizes to compile for; nil: those that a Batcher with
	// its default options uses, 1, 2, 4, … up to the device's own, or to what it
	// has room for.
	Batches []int
	// Progress is called before each step, and once at the end with what is "".
	Progress func(done, total int, what string)
}

// Prepare does ahead of time what the first images would wait for: it compiles
// kernels for each read-out, at the size and the batches that it will be used
// with, and puts the weights on the device. Images of their own size
// (Size.Native) can't be prepared for.
func (m *Model) Prepare(ctx context.Context, o PrepareOptions, reads ...AnyReadout) error {
	batches := o.Batches
	if batches == nil {
		most := m.BatchSize(0)
		for n := 1; n < most; n *= 2 {
			batches = append(batches, n)
		}
		batches = append(batches, most)
	}
	var list []Request
	c := &m.config
	for _, r := range reads {
		if r == nil {
			return errors.New("engine: a read-out is nil")
		}
		height, width, err := r.options().grid(c)
		if err != nil {
			return err
		}
		for _, n := range batches {
			if n < 1 {
				return errors.New("engine: a batch has at least one image")
			}
			req, err := r.Request(c, n, height, width)
			if err != nil {
				return err
			}
			list = append(list, req)
		}
	}
	tell := func(done int, what string) error {
		if o.Progress == nil {
			return nil
		}
		return guarded(func() error { o.Progress(done, len(list), what); return nil })
	}
	for i, r := range list {
		if err := tell(i, describe(r)); err != nil {
			return err
		}
		err := m.compileAhead(ctx, r)
		if o.Batches == nil && r.Batch > 1 && tooMuch(err) {
			continue // a stream halves such a batch
		}
		if err != nil {
			return err
		}
	}
	return tell(len(list), "")
}

// compileAhead compiles a request's program, on the device opened anew where it
// is lost meanwhile.
func (m *Model) compileAhead(ctx context.Context, r Request) error {
	compile := func() (*prove.Device, error) {
		if err := m.enter(ctx); err != nil {
			return nil, err
		}
		defer m.leave()
		_, done, err := m.program(ctx, r)
		if err == nil {
			done()
		}
		return m.eng.device, err
	}
	device, err := compile()
	if device == nil || !errors.Is(err, ErrDeviceLost) {
		return err
	}
	if err := m.rebuild(ctx, device); err != nil {
		return err
	}
	_, err = compile()
	return err
}

// grid is the size of the model's input, in pixels, for images of any size.
func (o InputOptions) grid(c *crate.Config) (height, width int, err error) {
	height, width = o.Size.Height, o.Size.Width
	switch {
	case o.Size.Native:
		return 0, 0, errors.New("engine: images keep their own sizes, for which nothing can be prepared")
	case width == 0:
		height, width = c.ImageSize[0], c.ImageSize[1]
	}
	height, width = height/c.Patch*c.Patch, width/c.Patch*c.Patch
	if height < c.Patch || width < c.Patch {
		return 0, 0, errors.New("engine: the size is smaller than one patch")
	}
	return height, width, nil
}

//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/readout"
)

// stage is where a script plays: in a window, or without one.
type stage interface {
	feed(viewer.Event) (quit bool) // as the window's own callbacks do
	resize(viewer.Resize)
	pass(ctx context.Context, d time.Duration) error // time, in which a film plays
}

// play does what a script says, step by step.
func (s *session) play(ctx context.Context, steps []viewer.Step, on stage) error {
	for _, step := range steps {
		quit, err := s.playOne(ctx, step.Command, on)
		if err != nil && step.Line == 0 { // it is not of the script
			return err
		}
		if err != nil {
			return fmt.Errorf("line %d of the script: %w", step.Line, err)
		}
		if quit {
			return nil
		}
	}
	return nil
}

func (s *session) playOne(ctx context.Context, c viewer.Command, on stage) (quit bool, err error) {
	switch c := c.(type) {
	case viewer.Wait:
		return false, s.shownAll(ctx)
	case viewer.Sleep:
		return false, on.pass(ctx, c.Duration)
	case viewer.Patch:
		s.mu.Lock()
		move, err := s.ui.At(c.Row, c.Column)
		s.mu.Unlock()
		if err != nil {
			return false, err
		}
		return on.feed(move), nil
	case viewer.Shot:
		return false, s.saveShot(ctx, c.File)
	case viewer.MaskFile:
		return false, s.saveMask(c.File)
	case viewer.Resize:
		on.resize(c)
	case viewer.Quit:
		return true, nil
	case viewer.Event:
		return on.feed(c), s.errandsDone(ctx)
	}
	return false, nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pointAt moves the mouse to a pixel of the image.
func (s *session) pointAt(at image.Point) (viewer.Move, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil || s.now.err != nil {
		return viewer.Move{}, nil // what is shown is the error
	}
	size, pane := image.Pt(s.now.picture.Width, s.now.picture.Height), s.ui.Layout().Panes[0].Picture
	if !at.In(image.Rectangle{Max: size}) {
		return viewer.Move{}, fmt.Errorf("--at %d,%d is outside an image of %d × %d pixels", at.X, at.Y, size.X, size.Y)
	}
	middle := func(o, n, of int) float64 { return (float64(o) + 0.5) * float64(of) / float64(n) }
	return viewer.Move{X: float64(pane.Min.X) + middle(at.X, size.X, pane.Dx()), Y: float64(pane.Min.Y) + middle(at.Y, size.Y, pane.Dy())}, nil
}

// trouble is why what was chosen can't be shown; nil where it can.
func (s *session) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil
	}
	return wrong(s.now, s.mask, s.ui.Choice())
}

// saveShot writes the window as it is shown.
func (s *session) saveShot(ctx context.Context, file string) error {
	m, err := s.picture(ctx)
	if err != nil {
		return err
	}
	data, err := paint.Encode(m)
	if err != nil {
		return err
	}
	return s.writeFile(file, data)
}

// errNoMask says that there is nothing to save.
var errNoMask = errors.New("no mask is shown: press 1, 2 or 3, and wait for it")

// saveMask writes the mask that is shown.
func (s *session) saveMask(file string) error {
	encode, err := s.maskFile()
	if err != nil {
		return err
	}
	data, err := encode()
	if err != nil {
		return err
	}
	return s.writeFile(file, data)
}

// maskFile makes a file of the mask that is shown, as segment would write it.
func (s *session) maskFile() (encode func() ([]byte, error), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mask, now := s.mask, s.now
	if mask == nil || mask.err != nil || !s.current() || mask.key != maskOf(s.ui.Choice()) {
		return nil, errNoMask
	}
	return func() ([]byte, error) { return s.options.encode(mask, now.picture.Width, now.picture.Height) }, nil
}

// encode is a mask of 0 and 255, or a label map where several objects are possible.
func (o *options) encode(f *foundMask, width, height int) ([]byte, error) {
	if o.several(f.key.method) {
		return paint.EncodeLabels(f.masks, width, height)
	}
	if len(f.masks) == 0 {
		return paint.EncodeMask(&readout.Mask{Width: width, Height: height, Pix: make([]uint8, width*height)})
	}
	return paint.EncodeMask(f.masks[0])
}

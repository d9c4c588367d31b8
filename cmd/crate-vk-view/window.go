//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
)

// noDisplay is why no window can be opened.
func noDisplay(err error) error {
	return cli.Coded(cli.ExitDevice, fmt.Errorf("no window can be opened: %w (--screenshot FILE needs none)", err))
}

// windowed is what a window needs beside its session.
type windowed struct {
	display  *display
	log      *slog.Logger
	via      string // device that shows the pictures; "": the one that computes, where it can
	steps    []viewer.Step
	scripted bool
}

// run shows a session in its window until that is closed, or its script has ended.
func (w *windowed) run(outer context.Context, s *session) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	screen, err := w.display.host.NewScreen(s.reader.eng, w.via)
	if err != nil {
		s.drawer.close()
		if w.via != "" {
			err = fmt.Errorf("--present: %w", err)
		}
		return err
	}
	defer screen.Close()
	if other := screen.Via(); other != "" {
		s.tell(fmt.Sprintf("%s shows the pictures, which are copied to it", other))
	}
	s.screen = &onScreen{display: w.display, screen: screen, canvas: s.drawer.canvas, tell: s.tell}
	s.opened = func(path string) { w.display.do(func() { w.display.title(path) }) }
	events := func(e viewer.Event) {
		if s.act(ctx, s.handle(e)) {
			w.display.end()
		}
	}
	s.record, s.report = w.scripted, func(err error) { w.log.Error(err.Error()) }
	drawing := make(chan error, 1)
	go func() {
		drawing <- s.run(ctx)
		w.display.end()
	}()
	played := make(chan error, 1)
	if w.scripted {
		go func() {
			played <- s.play(ctx, w.steps, onStage{w.display, s, ctx})
			w.display.end()
		}()
	}
	w.display.loop(ctx, events, s.nextTick)
	w.display.win.Hide()
	cancel(errClosed)
	err = <-drawing
	if w.scripted {
		if failed := <-played; !errors.Is(failed, errClosed) {
			err = errors.Join(err, failed)
		}
	}
	if outer.Err() != nil {
		return outer.Err() // a signal, not the user's own closing
	}
	if wrong := s.trouble(); w.scripted && err == nil && wrong != nil {
		err = cli.Coded(cli.ExitInputs, wrong)
	}
	if m, frames := s.medians(); w.scripted && err == nil && frames > 0 {
		w.log.Info(fmt.Sprintf("%d frames were drawn; medians: %v", frames, m))
	}
	return err
}

// errClosed says that the window was closed.
var errClosed = errors.New("the window was closed")

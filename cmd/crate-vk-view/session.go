//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/stats"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/window"
)

// session is an app that works and draws, in a window or without one.
type session struct {
	*app
	drawer *drawer
	screen screen // nil: there is no window

	history []viewer.Times // of the frames; kept where a script plays
	record  bool

	report  func(error) // told of errands that failed; nil: nobody is
	errands chan *errand
	last    *errand // that was sent

	frames sync.Mutex    // one frame at a time
	drawn  int           // version of the state that was drawn last
	framed chan struct{} // closed, and made anew, with every frame
}

// screen brings the canvas's picture to where people see it. later: it could not, though there
// is a window to see it in, and no event tells when it can.
type screen interface {
	show() (later bool, err error)
	// renew takes another surface in the place of one that was lost. It waits for the main
	// thread, which may wait for a frame: it is not called inside of one.
	renew() error
}

// retryAfter is when a frame is drawn again that could not be shown.
const retryAfter = 500 * time.Millisecond

func newSession(a *app) (*session, error) {
	d, err := newDrawer(a)
	if err != nil {
		return nil, err
	}
	return &session{app: a, drawer: d, framed: make(chan struct{}), errands: make(chan *errand, mostErrands)}, nil
}

// run works and draws until ctx ends or the device is gone, and closes what it has drawn
// with.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { s.work(ctx) })
	wg.Go(func() { s.runErrands(ctx) })
	defer func() {
		cancel(nil)
		wg.Wait()
		s.frames.Lock() // a script may still take a picture
		defer s.frames.Unlock()
		s.drawer.close()
	}()
	for {
		select {
		case <-s.redraw:
		case <-ctx.Done():
			return nil
		}
		if err := s.frame(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// frame draws a frame and shows it, on another surface where the window's was lost.
func (s *session) frame(ctx context.Context) error {
	err := s.frameOnce(ctx)
	if errors.Is(err, window.ErrSurfaceLost) {
		err = s.screen.renew()
		poke(s.redraw)
	}
	return err
}

func (s *session) frameOnce(ctx context.Context) error {
	s.frames.Lock()
	defer s.frames.Unlock()
	started := time.Now()
	drawn, err := s.drawer.frame(ctx)
	if err != nil {
		return s.broken(err)
	}
	if drawn && s.screen != nil {
		presented := time.Now()
		switch later, err := s.screen.show(); {
		case errors.Is(err, engine.ErrDeviceLost):
			poke(s.redraw) // the next frame finds that
		case err != nil:
			return err
		case later:
			time.AfterFunc(retryAfter, func() { poke(s.redraw) })
		}
		s.drawer.times.Present = time.Since(presented)
	}
	s.drawer.times.Frame = time.Since(started)
	if drawn && s.record && len(s.history) < mostHistory {
		s.history = append(s.history, s.drawer.times)
	}
	s.mu.Lock()
	s.drawn = s.drawer.version
	close(s.framed)
	s.framed = make(chan struct{})
	fatal := s.fatal
	s.mu.Unlock()
	return fatal
}

// broken is why no frame could be drawn: a reason that the worker has found is better.
func (s *session) broken(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil {
		return s.fatal
	}
	return err
}

// shownAll waits until everything that the state asks for is made and drawn. While a film
// plays the state asks for something else all the time: then until what it is now was drawn.
func (s *session) shownAll(ctx context.Context) error {
	s.mu.Lock()
	begun := s.stateVersion
	s.mu.Unlock()
	for {
		if !s.playing() {
			if err := s.settled(ctx); err != nil {
				return err
			}
		}
		s.mu.Lock()
		done, framed, fatal := s.drawn == s.stateVersion && s.step == nil && len(s.redraw) == 0, s.framed, s.fatal
		done = done || s.ui.Choice().Film && s.drawn > begun
		s.mu.Unlock()
		if done || fatal != nil {
			return fatal
		}
		poke(s.redraw)
		select {
		case <-framed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *session) playing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ui.Choice().Film
}

// picture is the window as it is shown.
func (s *session) picture(ctx context.Context) (*image.RGBA, error) {
	s.frames.Lock()
	defer s.frames.Unlock()
	switch drawn, err := s.drawer.frame(ctx); {
	case err != nil:
		return nil, err
	case !drawn:
		return nil, errors.New("there is nothing to see of a window that is minimised (0 × 0 pixels)")
	}
	return s.drawer.canvas.Picture()
}

// mostHistory bounds the times that are kept.
const mostHistory = 1 << 16

// medians are those of the frames that were drawn, part by part, and how many there were.
func (s *session) medians() (m viewer.Times, frames int) {
	s.frames.Lock()
	defer s.frames.Unlock()
	median := func(part func(viewer.Times) time.Duration) time.Duration {
		var list []float64
		for _, t := range s.history {
			list = append(list, part(t).Seconds())
		}
		return time.Duration(stats.Summarise(list).Median * float64(time.Second))
	}
	if len(s.history) == 0 {
		return m, 0
	}
	return viewer.Times{
		Frame: median(func(t viewer.Times) time.Duration { return t.Frame }), Map: median(func(t viewer.Times) time.Duration { return t.Map }),
		Text: median(func(t viewer.Times) time.Duration { return t.Text }), Upload: median(func(t viewer.Times) time.Duration { return t.Upload }),
		Compose: median(func(t viewer.Times) time.Duration { return t.Compose }), Present: median(func(t viewer.Times) time.Duration { return t.Present }),
	}, len(s.history)
}

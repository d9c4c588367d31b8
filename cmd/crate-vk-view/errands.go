//go:build viewer && cgo

package main

import (
	"context"
	"errors"
)

// errand is what an event asks for and takes long: to list files, to write one. Errands are
// done one behind another, beside what computes and draws.
type errand struct {
	what string                                             // for people
	do   func(ctx context.Context) (said string, err error) // said: what the window tells
	err  error                                              // of do
	done chan struct{}                                      // closed when it was done
}

// mostErrands is how many may wait.
const mostErrands = 64

// send hands an errand over.
func (s *session) send(e *errand) {
	e.done = make(chan struct{})
	s.mu.Lock()
	s.waiting++
	s.last = e
	s.mu.Unlock()
	select {
	case s.errands <- e:
	default:
		s.finished(e, "", errors.New("too much is being saved and opened at once"))
	}
}

// runErrands does errands until ctx ends, and then those that were sent before: what a key
// saves is saved though the window is closed.
func (s *session) runErrands(ctx context.Context) {
	for {
		select {
		case e := <-s.errands:
			s.doErrand(ctx, e)
		case <-ctx.Done():
			for len(s.errands) > 0 {
				s.doErrand(ctx, <-s.errands)
			}
			return
		}
	}
}

func (s *session) doErrand(ctx context.Context, e *errand) {
	s.mu.Lock()
	s.errand = e.what
	s.changed()
	s.mu.Unlock()
	said, err := e.do(ctx)
	s.mu.Lock()
	s.errand = ""
	s.mu.Unlock()
	s.finished(e, said, err)
}

// finished says that an errand was done, or why not.
func (s *session) finished(e *errand, said string, err error) {
	if err != nil {
		said = err.Error()
		if s.report != nil && !errors.Is(err, errClosed) {
			s.report(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.err = err
	s.waiting--
	s.ui.Notice(said)
	close(e.done)
	s.changed()
}

// errandsDone waits for the errands that there are, and gives back the error of the last one.
func (s *session) errandsDone(ctx context.Context) error {
	s.mu.Lock()
	e := s.last
	s.last = nil
	s.mu.Unlock()
	if e == nil {
		return nil
	}
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

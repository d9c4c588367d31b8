//go:build viewer && cgo

package main

import "context"

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
		s.finished(e, "too much is being saved and opened at once")
	}
}

// runErrands does errands until ctx ends.
func (s *session) runErrands(ctx context.Context) {
	for {
		select {
		case e := <-s.errands:
			s.mu.Lock()
			s.errand = e.what
			s.changed()
			s.mu.Unlock()
			said, err := e.do(ctx)
			if e.err = err; err != nil {
				said = err.Error()
			}
			s.finished(e, said)
		case <-ctx.Done():
			return
		}
	}
}

// finished says that an errand was done, or given up.
func (s *session) finished(e *errand, said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	s.errand = ""
	if said != "" {
		s.ui.Notice(said)
	}
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

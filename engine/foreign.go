package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// PanicError is a panic of code that was handed to the engine: an Input's Load,
// an iterator of inputs, an image's methods, the function of NewModelSource, the
// parameters of Compile. It would otherwise end the process, on a goroutine that
// its author never sees.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of the goroutine, as runtime/debug prints it
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap is the value, where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGone says that code of somebody else ended the goroutine that it ran on, as
// testing.T.FailNow does.
var errGone = errors.New("the function ended its goroutine (runtime.Goexit)")

// guarded calls a function of somebody else and makes a panic its error. A
// function that ends its goroutine ends it all the same: see apart.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return f()
}

// apart calls a function of somebody else on a goroutine of its own, so that it
// may even end that.
func apart(f func() error) (err error) {
	err = errGone
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = guarded(f)
	}()
	<-done
	return err
}

// foreign are parameters that a caller's function reads, one after another: it is
// asked for by several engines, and for several sizes.
func foreign(read Params) Params {
	var mu sync.Mutex
	return func(name string) (x []float64, err error) {
		mu.Lock()
		defer mu.Unlock()
		err = apart(func() (err error) {
			x, err = read(name)
			return err
		})
		return x, err
	}
}

// guardedHandler is a caller's slog.Handler, whose panics are passed over: there is
// nobody to tell.
type guardedHandler struct{ slog.Handler }

func (h guardedHandler) Enabled(ctx context.Context, level slog.Level) (on bool) {
	_ = guarded(func() error { on = h.Handler.Enabled(ctx, level); return nil })
	return on
}

func (h guardedHandler) Handle(ctx context.Context, r slog.Record) error {
	return guarded(func() error { return h.Handler.Handle(ctx, r) })
}

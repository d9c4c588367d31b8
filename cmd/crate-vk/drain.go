package main

import (
	"context"
	"iter"
	"time"
)

// drainLimit is how long an interrupted run may go on with what the device has
// begun.
const drainLimit = 8 * time.Second

// stopLimit is how long an interrupted command may take to end. What is under way
// on the device gets drainLimit of it.
const stopLimit = drainLimit + 1500*time.Millisecond

// draining is a context for what is under way when ctx ends: it goes on for
// drainLimit. No further input is taken once ctx has ended; see until and loader.
func draining(ctx context.Context) (under context.Context, stop func()) {
	under, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(drainLimit):
			cancel()
		case <-under.Done():
		}
	})
	return under, func() {
		unhook()
		cancel()
	}
}

// until ends with ctx, even where the values come from somebody who is typing
// them: the goroutine that waits with him is left behind.
func until[V any](ctx context.Context, values iter.Seq[V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		out := make(chan V)
		go func() {
			defer close(out)
			for v := range values {
				select {
				case out <- v:
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			select {
			case v, ok := <-out:
				if !ok || ctx.Err() != nil || !yield(v) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

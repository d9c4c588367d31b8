package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/engine"
)

// TestExitCodes: the code says whose fault it is.
func TestExitCodes(t *testing.T) {
	unreadable := &fs.PathError{Op: "read", Path: "weights", Err: syscall.EIO}
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("anything"), exitFailed},
		{unreadable, exitFailed},
		{fmt.Errorf("loading: %w", &engine.ModelError{Path: "m", Err: unreadable}), exitModel},
		{fmt.Errorf("opening: %w", engine.ErrNoDevice), exitDevice},
		{fmt.Errorf("twice: %w", engine.ErrDeviceLost), exitLost},
		{&engine.ModelError{Path: "m", Err: context.Canceled}, exitInterrupted},
		{usage(errors.New("a flag")), exitUsage},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
	}
}

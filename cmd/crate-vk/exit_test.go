package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
)

// TestExitCodes: the code says whose fault it is.
func TestExitCodes(t *testing.T) {
	unreadable := &fs.PathError{Op: "read", Path: "weights", Err: syscall.EIO}
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("anything"), cli.ExitFailed},
		{unreadable, cli.ExitFailed},
		{fmt.Errorf("loading: %w", &engine.ModelError{Path: "m", Err: unreadable}), cli.ExitModel},
		{fmt.Errorf("opening: %w", engine.ErrNoDevice), cli.ExitDevice},
		{fmt.Errorf("twice: %w", engine.ErrDeviceLost), cli.ExitLost},
		{&engine.ModelError{Path: "m", Err: context.Canceled}, cli.ExitInterrupted},
		{cli.Usage(errors.New("a flag")), cli.ExitUsage},
	} {
		if got := cli.ExitCode(c.err); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
	}
}

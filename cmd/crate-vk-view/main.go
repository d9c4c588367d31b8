//go:build viewer && cgo

// Command crate-vk-view is the window: point at a patch of an image and see what the network
// attends to, on the device that computes it.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

const name = "crate-vk-view"

func init() { runtime.LockOSThread() } // window systems want the main thread

// stopLimit is how long the program may take to end when it is interrupted.
const stopLimit = 10 * time.Second

func main() {
	if err := cli.Settle(); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(cli.ExitFailed)
	}
	ctx, stop := cli.Interruptible(name, stopLimit)
	code := run(ctx, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, stdout, stderr io.Writer, args []string) int {
	stdout, stderr = &cli.PlainWriter{W: stdout}, &cli.PlainWriter{W: stderr}
	c := command(slog.New(&cli.LineHandler{Program: name, W: stderr}))
	c.SetArgs(args)
	c.SetOut(stdout)
	c.SetErr(stderr)
	return cli.Report(stderr, name, c.ExecuteContext(ctx))
}

func command(log *slog.Logger) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use:   name + " [flags] [PATH...]",
		Short: "See the attention under the mouse",
		Long: `crate-vk-view opens images, files or whole folders, in a window: point at a patch and see
what the network attends to there, head by head and layer by layer, on the device that
computes it. The key ? shows all keys. Files and folders may be dropped on the window.

With --screenshot it needs no display: it draws one frame as the window would, and exits.`,
		Version:       cli.VersionLine(name),
		SilenceErrors: true,
		SilenceUsage:  true,

		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), log, args) },
	}
	c.Flags().SortFlags = false
	f.register(c.Flags())
	cli.Dress(c)
	return c
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// streams are where a command reads and writes: data on out, log and progress
// on err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// app is what the subcommands share.
type app struct {
	streams
	log      *slog.Logger
	unusable int // inputs that were named or found and can't be used, each named on the log
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, s streams, args []string) int {
	s.out, s.err = &plainWriter{w: s.out}, &plainWriter{w: s.err}
	a := &app{streams: s, log: slog.New(&lineHandler{w: s.err})}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	text := err.Error()
	if code == exitInterrupted && !errors.As(err, new(*codedError)) {
		text = "interrupted" // whatever was under way says so in words of its own
	}
	if text != "" {
		fmt.Fprintln(s.err, "crate-vk: "+text)
	}
	if code == exitUsage && !errors.As(err, new(*codedError)) {
		fmt.Fprintln(s.err, "run crate-vk --help for usage")
	}
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "crate-vk",
		Short: "Run CRATE vision transformers on any Vulkan device",
		Long: `crate-vk runs CRATE vision transformers, and the models they are compared with,
on any Vulkan device: masks from attention, every layer's tensors, and checks
against a reference on the CPU. Without --model it runs a small embedded model.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return checkBounds(cmd) },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(flagError(c, err)) })
	root.CompletionOptions.HiddenDefaultCmd = false
	for _, add := range []func(*app) *cobra.Command{
		(*app).segment, (*app).features, (*app).classify, (*app).analyze, (*app).sheet, (*app).eval, (*app).info, (*app).convert, (*app).devices, (*app).verify, (*app).bench, (*app).tune, (*app).compile, (*app).kernels, (*app).version,
	} {
		c := add(a)
		c.Flags().SortFlags = false
		if c.Args == nil {
			c.Args = cobra.NoArgs
		}
		root.AddCommand(c)
	}
	return root
}

// changed reports that a flag was given.
func changed(f *pflag.FlagSet, name string) bool { return f.Lookup(name) != nil && f.Changed(name) }

// lineHandler logs one short line a record: the message, then key=value pairs.
type lineHandler struct {
	w     io.Writer
	attrs []slog.Attr
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString("crate-vk: ")
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message)
	each := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		each(a)
	}
	r.Attrs(each)
	b.WriteByte('\n')
	_, err := io.WriteString(h.w, b.String())
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.w, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *lineHandler) WithGroup(string) slog.Handler { return h }

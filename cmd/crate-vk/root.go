package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
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
	s.out, s.err = &cli.PlainWriter{W: s.out}, &cli.PlainWriter{W: s.err}
	a := &app{streams: s, log: slog.New(&cli.LineHandler{Program: "crate-vk", W: s.err})}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	return cli.Report(s.err, "crate-vk", root.ExecuteContext(ctx))
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

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return cli.CheckBounds(cmd) },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return cli.Usage(cli.FlagError(c, err)) })
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

package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

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
	jobs     int  // images that are written at once; 0: as many as there are cores
	quiet    bool // only warnings and errors are told, and no progress
	unusable int  // inputs that were named or found and can't be used, each named on the log
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, s streams, args []string) int {
	s.out, s.err = &cli.PlainWriter{W: s.out}, &cli.PlainWriter{W: s.err}
	a := &app{streams: s}
	a.log = slog.New(&cli.LineHandler{Program: "crate-vk", W: s.err, Quiet: &a.quiet})
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
		Example: `crate-vk segment photos/     # masks of the objects, into crate-vk-out
crate-vk info presets        # the published models
crate-vk devices --why       # which GPUs can be used, and what stands in the way`,
		Version:       cli.VersionLine("crate-vk"),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cli.UnknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "tell warnings and errors alone: no progress, nothing else")
	root.CompletionOptions.HiddenDefaultCmd = false
	for _, add := range slices.Concat(commandList(), more) {
		c := add(a)
		c.Flags().SortFlags = false
		if c.Args == nil {
			c.Args = cobra.NoArgs
		}
		root.AddCommand(c)
	}
	exemplify(root)
	cli.Dress(root)
	return root
}

// commandList are the commands, in the order in which they are made.
func commandList() []func(*app) *cobra.Command {
	return []func(*app) *cobra.Command{
		(*app).segment, (*app).features, (*app).classify, (*app).analyze, (*app).sheet, (*app).eval, (*app).info, (*app).convert, (*app).devices, (*app).doctor, (*app).verify, (*app).bench, (*app).tune, (*app).compile, (*app).kernels, (*app).version,
	}
}

// more are commands of builds with tags.
var more []func(*app) *cobra.Command

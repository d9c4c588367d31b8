package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/pth"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/spf13/cobra"
)

func (a *app) info() *cobra.Command {
	var model cli.ModelFlags
	var size string
	var batch int
	var asJSON bool
	c := &cobra.Command{
		Use:   "info [MODEL|PRESET]",
		Short: "Say which model a file is: architecture, dimensions, cost, memory",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				model.Model = args[0]
			}
			src, err := a.openForInfo(cmd.Context(), &model)
			if err != nil {
				return err
			}
			defer src.Close()
			return a.printInfo(src, size, batch, asJSON)
		},
	}
	model.Register(c.Flags(), false)
	c.Flags().StringVar(&size, "size", "", "`N|WxH` for cost and memory; default: the native size")
	c.Flags().IntVar(&batch, "batch", 1, "batch `N` for memory")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.ValidArgsFunction = cli.Models
	c.AddCommand(&cobra.Command{
		Use:   "presets",
		Short: "List the published geometries",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			names, about := crate.Presets()
			for i, n := range names {
				fmt.Fprintf(t, "%s\t%s\n", n, about[i])
			}
			return t.Flush()
		},
	})
	return c
}

// openForInfo opens a model, or a PyTorch checkpoint to look at.
func (a *app) openForInfo(ctx context.Context, model *cli.ModelFlags) (*engine.ModelSource, error) {
	src, err := model.Open(a.log)
	if err == nil {
		if err := src.Check(ctx); err != nil {
			src.Close()
			return nil, err
		}
		return src, nil
	}
	file, perr := pth.Open(model.Model)
	var refused *pth.RefusedError
	if errors.As(perr, &refused) {
		return nil, cli.Coded(cli.ExitModel, perr)
	}
	if perr != nil {
		return nil, err
	}
	defer file.Close()
	settings, serr := model.Settings()
	if serr != nil {
		return nil, serr
	}
	r, err := resolveCheckpoint(file, model, settings)
	if err != nil {
		return nil, cli.Coded(cli.ExitModel, fmt.Errorf("%s: %w", model.Model, err))
	}
	if _, err := r.ckpt.Compare(&r.config); err != nil {
		return nil, cli.Coded(cli.ExitModel, fmt.Errorf("%s: %w", model.Model, err))
	}
	for _, w := range r.warnings {
		a.log.Warn(w)
	}
	var types []string
	for _, t := range file.Tensors() {
		if d := string(t.DType); !slices.Contains(types, d) {
			types = append(types, d)
		}
	}
	a.log.Info("a PyTorch checkpoint: crate-vk convert turns it into a file that runs")
	sum, err := regular.Hash(ctx, model.Model, regular.Weights)
	if err != nil {
		return nil, err
	}
	src = engine.NewModelSource(model.Model, r.config, sum, nil)
	src.Bytes, src.DTypes, src.Origins = file.Size(), types, r.origins
	return src, nil
}

func (a *app) printInfo(src *engine.ModelSource, sizeFlag string, batch int, asJSON bool) error {
	c := &src.Config
	s, err := cli.ParseSize(sizeFlag)
	if err != nil {
		return cli.Usage(err)
	}
	if batch < 1 {
		return cli.Usage(fmt.Errorf("--batch is %d, want at least 1", batch))
	}
	height, width, err := cli.ModelSize(s, c)
	if err != nil {
		return err
	}
	reads, err := costs(c, height, width, batch)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.out, infoOf(src, height, width, batch, reads))
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("model", "%s", src.Name)
	row("architecture", "%s (attention %s, block %s)", c.Architecture, c.Attention, c.Block)
	if known := crate.KnownName(c); known != "" {
		row("known as", "%s", known)
	}
	row("dimensions", "width %d, %d layers, %d heads of %d, patch %d, native %d×%d px", c.Dim, c.Depth, c.Heads, c.HeadDim(), c.Patch, c.ImageSize[1], c.ImageSize[0])
	if c.Hidden > 0 {
		row("hidden width", "%d", c.Hidden)
	}
	if c.DecoderDepth > 0 {
		row("decoder", "%d layers", c.DecoderDepth)
	}
	if c.Block == crate.BlockMLP {
		row("norms", "ε %g", c.LNEps)
	} else {
		row("steps", "η %g, λ %g, ε %g", c.Eta, c.Lambda, c.LNEps)
	}
	row("residual", "%s", map[bool]string{true: "around both halves of a layer", false: "around the attention alone"}[c.ResidualFF])
	row("parameters", "%.2f M (%s)", float64(c.Parameters())/1e6, orPreset(src))
	row("input", "mean %v, deviation %v, resized by the %s filter", c.Mean, c.Std, cmp.Or(c.Interpolation, "bilinear"))
	row("said by", "%s", saidBy(src))
	row("read-out", "%s", defaultReadout(c))
	row("logits", "%s", labels(c))
	if c.LogitCount() > 0 {
		row("head", "%s", head(c))
	}
	row("SHA-256", "%s", src.Hash)
	gh, gw := height/c.Patch, width/c.Patch
	row("cost at "+fmt.Sprintf("%d×%d px", width, height), "%d×%d patches, %d tokens", gw, gh, c.Prefix+gh*gw)
	for _, r := range reads {
		fmt.Fprintln(t, r)
	}
	return t.Flush()
}

func orPreset(src *engine.ModelSource) string {
	if src.Bytes == 0 {
		return "a preset with random weights"
	}
	return fmt.Sprintf("%.2f MB, %s", float64(src.Bytes)/1e6, strings.Join(src.DTypes, " "))
}

func defaultReadout(c *crate.Config) string {
	if c.Readout != "" {
		return c.Readout
	}
	return fmt.Sprintf("layer %d, mean of heads, mass:0.6, nearest (the paper's)", c.ReadLayer())
}

// saidBy tells where the values come from that the shapes don't tell; what is left out is
// the published code's.
func saidBy(src *engine.ModelSource) string {
	by := map[string][]string{}
	for name, from := range src.Origins {
		by[from] = append(by[from], name)
	}
	var list []string
	for _, from := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[from])
		list = append(list, printable(from)+": "+strings.Join(by[from], " "))
	}
	if list == nil {
		return "nothing: what shapes can't tell is the default"
	}
	return strings.Join(list, "; ")
}

// head says what the logits are made of.
func head(c *crate.Config) string {
	s := "reads the class token"
	switch {
	case c.Pool == crate.PoolMean && c.PooledFrom() > 0:
		s = "reads the mean of the patches"
	case c.Pool == crate.PoolMean:
		s = "reads the mean of the tokens"
	case c.Prefix > 1:
		s = "is the mean of two, of the class and of the distillation token"
	}
	if c.ExtraHead > 0 {
		s += fmt.Sprintf("; two in a row, %d → %d → %d: an unverified composition", c.Dim, c.Classes, c.ExtraHead)
	}
	return s
}

func labels(c *crate.Config) string {
	switch n := c.LogitCount(); {
	case n == 0:
		return "none: a backbone"
	case len(c.Labels) == 0:
		return fmt.Sprintf("%d classes, no names", n)
	case len(c.Labels) > 12:
		return fmt.Sprintf("%d classes: %s …", n, strings.Join(c.Labels[:12], ", "))
	default:
		return fmt.Sprintf("%d classes: %s", n, strings.Join(c.Labels, ", "))
	}
}

// liveFLOPs counts what the outputs need, where dead-code has not run.
func liveFLOPs(g *graph.Graph) int64 {
	live, static := g.Live(), g.Static()
	var n int64
	for _, v := range g.Values {
		if live[v] && !static[v] {
			n += v.FLOPs()
		}
	}
	return n
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/spf13/cobra"
)

// compileFlags of compile.
type compileFlags struct {
	model     cli.ModelFlags
	size      string
	batch     int
	readout   string
	positions string
	dump      string
	from      string
	passes    bool
	without   []string
	time      bool
	device    string
	precision string
	kernels   string
	noTuning  bool
	onnx      string
}

func (a *app) compile() *cobra.Command {
	var f compileFlags
	c := &cobra.Command{
		Use:   "compile [--model FILE|PRESET]",
		Short: "Show how a model becomes dispatches; executes nothing",
		Long: `compile runs the graph compiler and prints the plan: the dispatches with their
constants, buffers, arithmetic and memory traffic. With --dump it writes the graph
before and after each pass and each stage of the plan as numbered text files; --from
goes on from any of them. With --onnx it writes the graph behind the passes, with its
weights, as a model for other runtimes, and plans nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runCompile(cmd.Context(), &f) },
	}
	s := c.Flags()
	f.model.Register(s, false)
	s.StringVar(&f.size, "size", "", "`N|WxH` of the input; default: the native size")
	s.IntVar(&f.batch, "batch", 1, "images computed at once")
	s.StringVar(&f.readout, "readout", "", "`WHAT` is read: "+cli.ReadoutWords()+"; default: attention@LAYER at the last layer but one, of a ViT the last")
	s.StringVar(&f.positions, "positions", "exact", "exact or demo")
	s.StringVar(&f.dump, "dump", "", "write every stage to `DIR`")
	s.StringVar(&f.from, "from", "", "go on from a dumped graph or plan `FILE`")
	s.BoolVar(&f.passes, "passes", false, "list the passes and what each does")
	s.StringSliceVar(&f.without, "without", nil, "leave out `PASS`es, or all")
	s.BoolVar(&f.time, "time", false, "print what each stage took")
	s.StringVarP(&f.device, "device", "d", "auto", "`SEL`: plan for a device, or for baseline: the minima that Vulkan guarantees")
	s.StringVar(&f.precision, "precision", "fp32", "fp32 or fp16 storage")
	s.StringVar(&f.onnx, "onnx", "", "write the graph to `FILE` as an ONNX model, which takes 8-bit RGB pixels [B Y X 3]; with --without all it has the published formulas")
	s.StringVar(&f.kernels, "kernels", "", "`FAMILY` of kernels: lanes, tiles or plain; default: by device")
	s.BoolVar(&f.noTuning, "no-tuning", false, "take the static choice of kernel shapes, whatever crate-vk tune has stored")
	return c
}

func (a *app) runCompile(ctx context.Context, f *compileFlags) error {
	if f.passes {
		return a.listPasses()
	}
	lim, err := a.limits(f.device)
	if err != nil {
		return err
	}
	opt := plan.Options{Family: plan.Family(f.kernels)}
	if f.device != "baseline" && !f.noTuning {
		if choices, _, err := expert.StoredTuning(f.device, cli.CacheDir()); err == nil {
			opt.Choices = choices // what a run would take
		}
	}
	if engine.Precision(f.precision) == engine.FP16 {
		opt.Precision = graph.F16
	}
	if f.dump != "" {
		if err := os.MkdirAll(f.dump, 0o755); err != nil {
			return err
		}
	}
	c := &compilation{app: a, f: f, lim: lim, opt: opt}
	defer c.report()
	if f.from != "" {
		return c.resume(ctx)
	}
	g, err := c.build()
	if err != nil {
		return err
	}
	if err := c.stage(0, "build.graph", g.String(), 0); err != nil {
		return err
	}
	return c.passes(ctx, g, 0)
}

// limits are those of a device, without opening it.
func (a *app) limits(selector string) (plan.Limits, error) {
	if selector == "baseline" {
		return plan.BaselineLimits(), nil
	}
	lim, err := expert.PlanningLimits(selector, cli.CacheDir())
	if err != nil && selector == "auto" {
		a.log.Info("no device to plan for: taking the minima that Vulkan guarantees", "reason", err)
		return plan.BaselineLimits(), nil
	}
	return lim, err
}

func (a *app) listPasses() error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, p := range pass.Table() {
		doc := p.Doc
		if p.Required {
			doc += " (always runs)"
		}
		fmt.Fprintf(t, "%s\t%s\n", p.Name, doc)
	}
	return t.Flush()
}

// compilation is one run of compile.
type compilation struct {
	*app
	f     *compileFlags
	lim   plan.Limits
	opt   plan.Options
	times []stageTime
}

type stageTime struct {
	name string
	took time.Duration
}

func (c *compilation) build() (*graph.Graph, error) {
	src, err := c.f.model.Open(c.log)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	config := &src.Config
	if c.f.readout == "" {
		c.f.readout = fmt.Sprintf("attention@%d", config.ReadLayer())
	}
	size, err := cli.ParseSize(c.f.size)
	if err != nil {
		return nil, cli.Usage(err)
	}
	height, width, err := cli.ModelSize(size, config)
	if err != nil {
		return nil, err
	}
	if c.f.batch < 1 {
		return nil, cli.Usage(fmt.Errorf("--batch is %d, want at least 1", c.f.batch))
	}
	r, err := expert.NamedRequest(config, c.f.readout, c.f.batch, height, width)
	if err != nil {
		return nil, cli.Usage(err)
	}
	r.Positions = crate.Positions(c.f.positions)
	start := time.Now()
	g, err := readout.Build(config, r)
	c.times = append(c.times, stageTime{"build", time.Since(start)})
	return g, err
}

// stage writes a numbered dump.
func (c *compilation) stage(n int, name, text string, took time.Duration) error {
	if took > 0 {
		c.times = append(c.times, stageTime{strings.TrimSuffix(strings.TrimSuffix(name, ".graph"), ".plan"), took})
	}
	if c.f.dump == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(c.f.dump, fmt.Sprintf("%02d-%s", n, name)), []byte(text), 0o644)
}

// passes runs the passes after the first done of them, then plans.
func (c *compilation) passes(ctx context.Context, g *graph.Graph, done int) error {
	table := pass.Table()
	if err := pass.Run(&graph.Graph{}, pass.Options{Without: c.f.without}); err != nil {
		return cli.Usage(err) // an unknown name
	}
	for i := done; i < len(table); i++ {
		p := table[i]
		skip := !p.Required && (slices.Contains(c.f.without, p.Name) || slices.Contains(c.f.without, "all"))
		start := time.Now()
		if !skip {
			if err := pass.Apply(p, g); err != nil {
				return err
			}
		}
		if err := c.stage(i+1, p.Name+".graph", g.String(), time.Since(start)); err != nil {
			return err
		}
	}
	if c.f.onnx != "" {
		return c.writeONNX(ctx, g)
	}
	start := time.Now()
	p, err := plan.Lower(g, c.lim, c.opt)
	if err != nil {
		return cli.Coded(cli.ExitFailed, err)
	}
	if err := c.stage(len(table)+1, "lower.plan", p.String(), time.Since(start)); err != nil {
		return err
	}
	return c.place(p)
}

// place runs the stages behind lowering, as far as they have not run.
func (c *compilation) place(p *plan.Plan) error {
	n := len(pass.Table())
	if p.Spaces == nil {
		start := time.Now()
		if err := p.Arena(c.lim); err != nil {
			return err
		}
		if err := c.stage(n+2, "arena.plan", p.String(), time.Since(start)); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(p.Dispatches, func(d plan.Dispatch) bool { return d.Barrier }) {
		start := time.Now()
		p.Barriers()
		if err := c.stage(n+3, "barrier.plan", p.String(), time.Since(start)); err != nil {
			return err
		}
	}
	if err := p.Check(c.lim); err != nil {
		return err
	}
	if c.f.dump == "" {
		return p.WriteText(c.out)
	}
	c.log.Info(fmt.Sprintf("%d dispatches, %.2f GFLOP; %d files in %s", len(p.Dispatches), float64(p.FLOPs())/1e9, n+4, c.f.dump))
	return nil
}

// resume goes on from a dump: a plan, or a graph whose number says how many
// passes have run.
func (c *compilation) resume(ctx context.Context) error {
	text, err := regular.Read(ctx, c.f.from, regular.Text)
	if err != nil {
		return err
	}
	if strings.HasPrefix(string(text), "plan ") {
		if c.f.onnx != "" {
			return cli.Usage(fmt.Errorf("--onnx wants a graph, and %s is a plan", c.f.from))
		}
		p, err := plan.Parse(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", c.f.from, err)
		}
		return c.place(p)
	}
	g, err := graph.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.f.from, err)
	}
	number, _, _ := strings.Cut(filepath.Base(c.f.from), "-")
	done, err := strconv.Atoi(number)
	if err != nil || done < 0 || done > len(pass.Table()) {
		done = 0
	}
	return c.passes(ctx, g, done)
}

// report prints what the stages took.
func (c *compilation) report() {
	if !c.f.time {
		return
	}
	for _, t := range c.times {
		fmt.Fprintf(c.err, "%-20s %8.2f ms\n", t.name, float64(t.took.Microseconds())/1000)
	}
}

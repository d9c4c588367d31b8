package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

// tuneFlags of tune.
type tuneFlags struct {
	model    cli.ModelFlags
	device   cli.DeviceFlags
	size     string
	batch    int
	readouts []string
	seconds  float64
	dryRun   bool
	asJSON   bool
}

func (a *app) tune() *cobra.Command {
	var f tuneFlags
	c := &cobra.Command{
		Use:   "tune [--model FILE|PRESET]",
		Short: "Measure kernel shapes on the device and keep the fastest",
		Long: `tune measures the shapes that the device's kernels can take, for each kind of work
in the model at that size, and stores the fastest beside the compiled kernels, for this
device and driver version. Commands that run later use them and say so in their
headers (--no-tuning ignores them); nothing tunes itself during a run. What is stored
holds for every batch. On a software device times are of the CPU, of the clock
elsewhere. Shapes are compiled on all cores; what is slower than the best by more
than 30 % after three rounds is dropped, with less patience later. A shape replaces the
static choice only where it was faster by 2 % and in three rounds of four, and again
when both were made anew. Shapes for which the time did not suffice are named.

A shape's name is what is computed at once: by a lane the rows × quads of columns of a
product (linear_lanes) or the queries × keys of an attention (attend_lanes), with how
inputs are read (texel, storage); on GPUs the tile of a workgroup / of an invocation
(linear_tiles), and the keys at a step × the parts that share all keys (attend_uniform).`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runTune(cmd.Context(), &f) },
	}
	s := c.Flags()
	f.model.Register(s, false)
	s.StringVar(&f.size, "size", "", "`N|WxH` of the input; default: the native size")
	s.IntVar(&f.batch, "batch", 1, "images computed at once while measuring")
	s.StringSliceVar(&f.readouts, "readout", nil, "`WHAT` is read: "+cli.ReadoutWords()+"; default: attention@LAYER as compile's, and tokens")
	s.Float64Var(&f.seconds, "seconds", 30, "time to spend, about")
	s.BoolVar(&f.dryRun, "dry-run", false, "measure and print, store nothing")
	s.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.device.Register(s)
	return c
}

// tuneRow is one kind of work, as scripts read it.
type tuneRow struct {
	Kernel string      `json:"kernel"` // and what it computes of one image
	Count  int         `json:"dispatches"`
	Chosen string      `json:"chosen"`
	Static string      `json:"static"`
	Gain   float64     `json:"gain"` // static ÷ chosen, median over the rounds
	Error  string      `json:"error,omitempty"`
	Shapes []tuneShape `json:"shapes"`
}

type tuneShape struct {
	Shape string     `json:"shape"`
	MS    benchTimes `json:"ms"`
	Runs  int        `json:"runs"`
	Error string     `json:"error,omitempty"`
}

func (a *app) runTune(ctx context.Context, f *tuneFlags) error {
	if f.device.Device == engine.Interpreter {
		return cli.Usage(fmt.Errorf("the interpreter has no kernels: choose a device"))
	}
	if f.batch < 1 || f.seconds <= 0 {
		return cli.Usage(fmt.Errorf("--batch is %d and --seconds %g, want both above 0", f.batch, f.seconds))
	}
	if !f.dryRun && (f.device.NoCache || f.device.Spirv != "" || cli.CacheDir() == "") {
		return cli.Usage(errors.New("the choice would have no folder to be stored in (--no-cache, --spirv, or no HOME): --dry-run measures and stores nothing"))
	}
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	requests, err := f.requests(src)
	if err != nil {
		return err
	}
	s, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer s.close()
	show := func(r measure.TuneRow) {
		a.log.Info(fmt.Sprintf("%s: %s", r.Kind, outcome(r)))
	}
	rows, err := measure.Tune(ctx, s.m, measure.TuneOptions{Requests: requests, Budget: time.Duration(f.seconds * float64(time.Second)), DryRun: f.dryRun}, show)
	if err != nil {
		return err
	}
	if fact := uncovered(rows); fact != "" {
		a.log.Warn(fact)
	}
	if len(rows) == 0 {
		return cli.Usage(errors.New("nothing to tune: none of these kernels has shapes to choose from"))
	}
	if f.asJSON {
		return writeJSON(a.out, tuneRows(rows))
	}
	return a.tuneTable(rows)
}

// requests are what the kernels are taken from.
func (f *tuneFlags) requests(src *engine.ModelSource) ([]engine.Request, error) {
	c := &src.Config
	readouts := f.readouts
	if readouts == nil {
		readouts = []string{fmt.Sprintf("attention@%d", c.ReadLayer()), "tokens"}
	}
	size, err := cli.ParseSize(f.size)
	if err != nil {
		return nil, cli.Usage(err)
	}
	height, width, err := cli.ModelSize(size, c)
	if err != nil {
		return nil, err
	}
	var list []engine.Request
	for _, r := range readouts {
		request, err := expert.NamedRequest(c, r, f.batch, height, width)
		if err != nil {
			return nil, cli.Usage(err)
		}
		list = append(list, request)
	}
	return list, nil
}

// outcome is one line about a kind of work.
func outcome(r measure.TuneRow) string {
	switch {
	case r.Err != nil:
		return r.Err.Error()
	case len(r.Shapes) == 1:
		return r.Chosen + ", the only shape"
	case r.Chosen == r.Shapes[0].Name:
		return r.Chosen + ", the static choice, stays"
	}
	return fmt.Sprintf("%s instead of %s, %.2f times as fast", r.Chosen, r.Shapes[0].Name, r.Gain)
}

// uncovered says how many shapes the time did not suffice for, and how much would
// have, at the pace so far; "" where none was left out.
func uncovered(rows []measure.TuneRow) string {
	missing, seconds := 0, 0.0
	for _, r := range rows {
		left := 0
		for _, s := range r.Shapes {
			if errors.Is(s.Err, measure.ErrNoTime) {
				left++
			}
		}
		missing += left
		seconds += r.Took.Seconds() * float64(len(r.Shapes)) / float64(max(len(r.Shapes)-left, 1))
	}
	if missing == 0 {
		return ""
	}
	return fmt.Sprintf("%d shapes were not measured: no time was left for them; about --seconds %.0f would do", missing, math.Ceil(seconds/10)*10)
}

func tuneRows(rows []measure.TuneRow) []tuneRow {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	list := []tuneRow{}
	for _, r := range rows {
		row := tuneRow{Kernel: r.Kind, Count: r.Count, Chosen: r.Chosen, Static: r.Shapes[0].Name, Gain: r.Gain}
		if r.Err != nil {
			row.Error = r.Err.Error()
		}
		for _, s := range r.Shapes {
			t := tuneShape{Shape: s.Name, MS: benchTimes{ms(s.Time.Median), ms(s.Time.P5), ms(s.Time.P95)}, Runs: s.Runs}
			if s.Err != nil {
				t.Error = s.Err.Error()
			}
			row.Shapes = append(row.Shapes, t)
		}
		list = append(list, row)
	}
	return list
}

func (a *app) tuneTable(rows []measure.TuneRow) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KERNEL\tSHAPE\tMS\tP5\tP95\tRUNS\t")
	for _, r := range tuneRows(rows) {
		name := fmt.Sprintf("%s, %d times", r.Kernel, r.Count)
		for _, s := range r.Shapes {
			var notes []string
			if len(r.Shapes) == 1 {
				notes = append(notes, "the only shape")
			} else if s.Shape == r.Static {
				notes = append(notes, "static")
			}
			if s.Shape == r.Chosen && len(r.Shapes) > 1 {
				notes = append(notes, "chosen")
				if r.Gain > 1 {
					notes = append(notes, fmt.Sprintf("%.2f×", r.Gain))
				}
			}
			if s.Error != "" {
				notes = append(notes, s.Error)
			}
			if s.Runs == 0 {
				fmt.Fprintf(t, "%s\t%s\t\t\t\t\t%s\n", name, s.Shape, strings.Join(notes, ", "))
			} else {
				fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.3f\t%d\t%s\n", name, s.Shape, s.MS.Median, s.MS.P5, s.MS.P95, s.Runs, strings.Join(notes, ", "))
			}
			name = ""
		}
	}
	return t.Flush()
}

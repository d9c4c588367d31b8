package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

// benchFlags of bench.
type benchFlags struct {
	model    cli.ModelFlags
	models   []string
	device   cli.DeviceFlags
	sizes    []string
	batches  []int
	depths   []int
	widths   []int
	plots    string
	readouts []string
	length   benchLength
	ops      bool
	format   string
	asJSON   bool
	compare  string // the old results
	by       string
}

// benchLength says for how long a row is timed.
type benchLength struct {
	repeat  int
	seconds float64
	queries int
	least   time.Duration
}

// options are these for measure.Bench.
func (l *benchLength) options() (measure.BenchOptions, error) {
	if l.repeat > 0 && (l.queries > 0 || l.least > 0) {
		return measure.BenchOptions{}, cli.Usage(errors.New("--repeat is a fixed number of runs: leave it out with --min-queries and --min-duration"))
	}
	return measure.BenchOptions{Repeat: l.repeat, MinRuns: l.queries, MinTime: l.least, Budget: time.Duration(l.seconds * float64(time.Second))}, nil
}

func (a *app) bench() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [--model FILE|PRESET] | bench --compare OLD NEW",
		Short: "Time a model on the device",
		Long: `bench times models by preset (with random weights) or file: from submitting a batch to
its outputs on the host, weights loaded and pipelines warm. It prints the median with
the 5th, 90th, 95th and 99th percentile, process CPU time, the device's own time where
it has timestamps, arithmetic per second, the share of what the device was measured to
do in the same run, and clocks and power where the machine tells them. Several models,
sizes, batches, precisions and read-outs make a row each. Standard output is data only.
json, jsonl and sql have the time of each single run, too.

A row takes --seconds, or --repeat runs. As MLPerf counts, it takes at least
--min-queries runs and --min-duration, where one of them is given: MLPerf's single
stream is --batch 1 --min-queries 1024 --min-duration 10m, and its figure the 90th
percentile. A query is a run of one batch.

--compare OLD NEW reads two files that --format jsonl or json wrote, and prints for
each row the ratio of the medians with a 95 % interval (a bootstrap over blocks of
successive runs, its seed fixed). A row is slower, or faster, where 1 lies outside
the interval. Exit code 0: no row is slower; 1: some are; 2: nothing can be compared.`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.compare == "":
				return cobra.NoArgs(cmd, args)
			case len(args) != 1:
				return cli.Usage(errors.New("--compare takes two files of results: --compare OLD NEW"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.compare != "" {
				return a.compareBench(cmd.Context(), f.compare, args[0], f.by)
			}
			return a.runBench(cmd.Context(), &f)
		},
	}
	s := c.Flags()
	f.model.RegisterSettings(s)
	s.StringSliceVarP(&f.models, "model", "m", []string{""}, "weight `FILE|PRESET`s (crate-vk info presets lists them); default: the embedded demo model")
	s.StringVar(&f.model.Config, "config", "", "configuration `FILE`; default: config.json beside the weights")
	s.StringSliceVar(&f.sizes, "size", []string{""}, "`N|WxH`s; default: the native size")
	s.IntSliceVar(&f.batches, "batch", []int{1}, "batches `N`")
	s.IntSliceVar(&f.depths, "depth", nil, "of a preset: `N` layers")
	s.IntSliceVar(&f.widths, "width", nil, "of a preset: `N` channels, in heads of the same size")
	s.StringSliceVar(&f.readouts, "readout", []string{"tokens"}, "`WHAT` is read: "+cli.ReadoutWords())
	f.device.Register(s)
	s.Lookup("precision").Usage = "fp32, fp16, or both: fp32,fp16"
	s.IntVar(&f.length.repeat, "repeat", 0, "runs to time; default: as many as fit --seconds, at least 3")
	s.Float64Var(&f.length.seconds, "seconds", 10, "time for a row after its warm-up")
	s.IntVar(&f.length.queries, "min-queries", 0, "time at least `N` runs of a batch, instead of --seconds")
	s.DurationVar(&f.length.least, "min-duration", 0, "time for at least `TIME`, such as 60s or 10m, instead of --seconds")
	s.BoolVar(&f.ops, "ops", false, "print a row for each kernel and shape, from the device's timestamps")
	s.StringVar(&f.plots, "plots", "", "draw time and memory by tokens, batch, depth and width, as far as they vary, into folder `DIR`")
	s.StringVar(&f.format, "format", "md", benchFormats)
	s.BoolVar(&f.asJSON, "json", false, "as --format json")
	s.StringVar(&f.compare, "compare", "", "compare the results in file `OLD` with those in the file named behind it; times nothing")
	s.StringVar(&f.by, "by", "wall", "what --compare compares: wall, or cpu, which other programs disturb less where the processor computes")
	c.AddCommand(a.benchPipeline(), a.benchMaskCut(), a.benchCeilings(), a.benchProduct())
	return c
}

func (a *app) runBench(ctx context.Context, f *benchFlags) error {
	if f.asJSON {
		f.format = "json"
	}
	write, err := benchWriter(f.format)
	if err != nil {
		return err
	}
	shapes, err := f.geometries()
	if err != nil {
		return err
	}
	precisions := strings.Split(f.device.Precision, ",")
	length, err := f.length.options()
	if err != nil {
		return err
	}
	out := write(a.out)
	var rows []plotRow
	for _, precision := range precisions {
		f.device.Precision = precision
		e, err := f.device.Open(ctx, a.log)
		if err != nil {
			return err
		}
		more, err := a.benchOn(ctx, e, f, length, shapes, out)
		e.Close()
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	if err := out.end(); err != nil || f.plots == "" {
		return err
	}
	return writePlots(f.plots, rows)
}

// benchOn runs all rows of one precision.
func (a *app) benchOn(ctx context.Context, e *engine.Engine, f *benchFlags, length measure.BenchOptions, shapes []geometry, out benchOutput) (rows []plotRow, err error) {
	var ceiling measure.Ceiling
	if !e.Device().Reference() {
		if ceiling, err = measure.DeviceCeiling(e); err != nil {
			return nil, err
		}
	}
	b := &benching{e, f, length, ceiling, newEnvironment(e, ceiling)}
	out.header(b.env.lines(e.Device()))
	for _, name := range f.models {
		for _, shape := range shapes {
			f.model.Model = name
			src, err := f.model.Open(a.log)
			if err != nil {
				return nil, err
			}
			if src, err = shape.reshape(src, name); err != nil {
				return nil, err
			}
			m, err := e.Load(ctx, src)
			if err != nil {
				return nil, err
			}
			err = f.each(func(size string, batch int, what string) error {
				row, err := b.row(ctx, m, size, batch, what)
				if err != nil {
					return err
				}
				out.row(row.benchRow)
				rows = append(rows, row)
				return nil
			})
			if e := m.Close(); err == nil {
				err = e
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// each goes over the combinations of sizes, batches and read-outs.
func (f *benchFlags) each(do func(size string, batch int, what string) error) error {
	for _, size := range f.sizes {
		for _, batch := range f.batches {
			for _, what := range f.readouts {
				if err := do(size, batch, what); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

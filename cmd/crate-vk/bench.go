package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

// benchFlags of bench.
type benchFlags struct {
	model    modelFlags
	models   []string
	device   deviceFlags
	sizes    []string
	batches  []int
	depths   []int
	widths   []int
	plots    string
	readouts []string
	repeat   int
	seconds  float64
	ops      bool
	format   string
	asJSON   bool
}

func (a *app) bench() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [--model FILE|PRESET]",
		Short: "Time a model on the device",
		Long: `bench times models by preset (with random weights) or file: from submitting a batch to
its outputs on the host, weights loaded and pipelines warm. It prints the median with
the 5th and 95th percentile, process CPU time, the device's own time where it has
timestamps, arithmetic per second, and the share of what the device was measured to
do in the same run. Several models, sizes, batches, precisions and read-outs make a
row each. Standard output is data only.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBench(cmd.Context(), &f) },
	}
	s := c.Flags()
	f.model.registerSettings(s)
	s.StringSliceVarP(&f.models, "model", "m", []string{""}, "weight `FILE|PRESET`s (crate-vk info presets lists them); default: the embedded demo model")
	s.StringVar(&f.model.config, "config", "", "configuration `FILE`; default: config.json beside the weights")
	s.StringSliceVar(&f.sizes, "size", []string{""}, "`N|WxH`s; default: the native size")
	s.IntSliceVar(&f.batches, "batch", []int{1}, "batches `N`")
	s.IntSliceVar(&f.depths, "depth", nil, "of a preset: `N` layers")
	s.IntSliceVar(&f.widths, "width", nil, "of a preset: `N` channels, in heads of the same size")
	s.StringSliceVar(&f.readouts, "readout", []string{"tokens"}, "`WHAT` is read: "+readoutWords())
	f.device.register(s)
	s.Lookup("precision").Usage = "fp32, fp16, or both: fp32,fp16"
	s.IntVar(&f.repeat, "repeat", 0, "runs to time; default: as many as fit --seconds, at least 3")
	s.Float64Var(&f.seconds, "seconds", 10, "time for a row after its warm-up")
	s.BoolVar(&f.ops, "ops", false, "print a row for each kernel and shape, from the device's timestamps")
	s.StringVar(&f.plots, "plots", "", "draw time and memory by tokens, batch, depth and width, as far as they vary, into folder `DIR`")
	s.StringVar(&f.format, "format", "md", "md, csv, json, jsonl, gobench")
	s.BoolVar(&f.asJSON, "json", false, "as --format json")
	c.AddCommand(a.benchPipeline(), a.benchMaskCut())
	return c
}

// benchRow is one row, as scripts read it.
type benchRow struct {
	Model     string     `json:"model"`
	Size      string     `json:"size"` // width x height
	Batch     int        `json:"batch"`
	Precision string     `json:"precision"`
	Device    string     `json:"device"`
	Driver    string     `json:"driver"`
	Readout   string     `json:"readout"`
	PerImage  benchTimes `json:"ms_per_image"`
	CPU       float64    `json:"cpu_ms_per_image"`
	DeviceMS  float64    `json:"device_ms_per_image"`
	ImagesS   float64    `json:"images_per_second"`
	GFLOPS    float64    `json:"gflops"`
	Share     float64    `json:"share_of_device_gflops"`
	FLOPs     int64      `json:"flops_per_image"`
	Peak      int64      `json:"peak_bytes"`
	Weights   int64      `json:"weight_bytes"`
	Arena     int64      `json:"arena_bytes"`
	LoadMS    float64    `json:"load_ms"`
	FirstMS   float64    `json:"first_run_ms"`
	Runs      int        `json:"runs"`
	Ops       []benchOp  `json:"ops,omitempty"`
}

type benchTimes struct {
	Median float64 `json:"median"`
	P5     float64 `json:"p5"`
	P95    float64 `json:"p95"`
}

type benchOp struct {
	Name   string  `json:"name"`
	Count  int     `json:"count"`
	MS     float64 `json:"ms"`
	GFLOPS float64 `json:"gflops"`
	GBs    float64 `json:"gb_per_second"`
	Roof   float64 `json:"share_of_roof"` // the larger share of the two ceilings
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
	precisions := strings.Split(f.device.precision, ",")
	out := write(a.out)
	var rows []plotRow
	for _, precision := range precisions {
		f.device.precision = precision
		e, err := f.device.open(ctx, a)
		if err != nil {
			return err
		}
		more, err := a.benchOn(ctx, e, f, shapes, out)
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
func (a *app) benchOn(ctx context.Context, e *engine.Engine, f *benchFlags, shapes []geometry, out benchOutput) (rows []plotRow, err error) {
	var ceiling measure.Ceiling
	if !e.Device().Reference() {
		if ceiling, err = measure.DeviceCeiling(e); err != nil {
			return nil, err
		}
	}
	out.header(benchHeader(e, ceiling))
	for _, name := range f.models {
		for _, shape := range shapes {
			f.model.model = name
			src, err := f.model.open(a)
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
				row, err := benchOne(ctx, e, m, f, size, batch, what)
				if err != nil {
					return err
				}
				if ceiling.GFLOPS > 0 {
					row.Share = row.GFLOPS / ceiling.GFLOPS
					for i, op := range row.Ops {
						row.Ops[i].Roof = max(op.GFLOPS/ceiling.GFLOPS, op.GBs/ceiling.GBs)
					}
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

func benchHeader(e *engine.Engine, c measure.Ceiling) []string {
	d := e.Device()
	lines := []string{
		fmt.Sprintf("crate-vk %s, %s, %d cores", versionString(), runtime.Version(), runtime.NumCPU()),
		fmt.Sprintf("device: %s (%s), driver %s, Vulkan %s, tuning %s", d.Name, d.Type, d.Driver, d.API, expert.Tuning(e)),
	}
	if c.GFLOPS > 0 {
		lines = append(lines, fmt.Sprintf("measured in this run: %.1f GF/s multiply-adds on registers, %.1f GB/s copying", c.GFLOPS, c.GBs))
	}
	return lines
}

func benchOne(ctx context.Context, e *engine.Engine, m *engine.Model, f *benchFlags, size string, batch int, what string) (plotRow, error) {
	var row plotRow
	c := m.Config()
	s, err := parseSize(size)
	if err != nil {
		return row, usage(err)
	}
	height, width, err := modelSize(s, &c)
	if err != nil {
		return row, err
	}
	r, err := expert.NamedRequest(&c, what, batch, height, width)
	if err != nil {
		return row, usage(err)
	}
	if batch < 1 {
		return row, usage(fmt.Errorf("--batch is %d, want at least 1", batch))
	}
	res, err := measure.Bench(ctx, m, r,
		measure.BenchOptions{Repeat: f.repeat, Budget: time.Duration(f.seconds * float64(time.Second))})
	if err != nil {
		return row, err
	}
	per := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(batch) }
	row.tokens, row.depth, row.width = height/c.Patch*(width/c.Patch)+c.Prefix, c.Depth, c.Dim
	row.benchRow = benchRow{
		Model: m.Source().Name, Size: fmt.Sprintf("%dx%d", width, height), Batch: batch, Precision: f.device.precision,
		Device: e.Device().Name, Driver: e.Device().Driver, Readout: what,
		PerImage: benchTimes{per(res.Wall.Median), per(res.Wall.P5), per(res.Wall.P95)}, CPU: per(res.CPU), DeviceMS: per(res.Device),
		ImagesS: float64(batch) / res.Wall.Median.Seconds(), GFLOPS: float64(res.FLOPs) / res.Wall.Median.Seconds() / 1e9,
		FLOPs: res.FLOPs / int64(batch), Peak: res.Peak, Weights: res.Weights, Arena: res.Arena,
		LoadMS: res.Load.Seconds() * 1e3, FirstMS: res.First.Seconds() * 1e3, Runs: res.Runs,
	}
	if f.ops {
		for _, op := range res.Ops {
			sec := op.Time.Seconds()
			row.Ops = append(row.Ops, benchOp{Name: op.Name, Count: op.Count, MS: sec * 1e3, GFLOPS: rate(float64(op.FLOPs), sec), GBs: rate(float64(op.Bytes), sec)})
		}
	}
	return row, nil
}

// rate is 10⁹ a second, 0 where no time was measured.
func rate(n, seconds float64) float64 {
	if seconds == 0 {
		return 0
	}
	return n / seconds / 1e9
}

// benchOutput prints rows in one of the formats.
type benchOutput interface {
	header(lines []string)
	row(benchRow)
	end() error
}

func benchWriter(format string) (func(io.Writer) benchOutput, error) {
	switch format {
	case "md":
		return func(w io.Writer) benchOutput { return &mdBench{w: w} }, nil
	case "csv":
		return func(w io.Writer) benchOutput { return &csvBench{w: w} }, nil
	case "json":
		return func(w io.Writer) benchOutput { return &jsonBench{w: w} }, nil
	case "jsonl":
		return func(w io.Writer) benchOutput { return &jsonlBench{w: w} }, nil
	case "gobench":
		return func(w io.Writer) benchOutput { return &goBench{w: w} }, nil
	}
	return nil, usage(fmt.Errorf("--format is %q, want md, csv, json, jsonl or gobench", format))
}

func itoa(n int) string { return strconv.Itoa(n) }

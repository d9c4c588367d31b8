package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/chart"
	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate/readout/layerwise"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// analyzeFlags of analyze.
type analyzeFlags struct {
	model   cli.ModelFlags
	device  cli.DeviceFlags
	input   cli.InputFlags
	source  sourceFlags
	against []string
}

func (a *app) analyze() *cobra.Command {
	var f analyzeFlags
	c := &cobra.Command{
		Use:   "analyze [flags] PATH...",
		Short: "Measure coding rate and sparsity layer by layer",
		Long: `analyze goes over images and measures, layer by layer, what the white-box papers
plot:

  coding rate  R^c of the projected tokens, in nats, which attention compresses;
               error bars are the standard deviation over the images (n−1)
  non-zero     share of entries behind the ISTA block that are not exactly zero;
               error bars are the standard deviation over the images (n)

It prints a table. With --out it writes layers.csv, layers.json (with the values
of each image), coding-rate.svg and sparsity.svg. --against adds other models to
them, such as one with random weights. Layers count from 0; the charts count
from 1, as the papers do.`,
		Args: f.source.args,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runAnalyze(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.Register(s, true)
	s.StringSliceVar(&f.against, "against", nil, "measure the weights in `FILE|PRESET`, too; the configuration flags hold for all models")
	s.StringVarP(&f.source.out, "out", "o", "", "write CSV, JSON and charts into folder `DIR`")
	f.source.registerList(s)
	s.BoolVar(&f.source.asJSON, "json", false, "print JSON instead of the table")
	f.input.Register(s)
	f.device.RegisterJobs(s)
	f.device.Register(s)
	return c
}

// layerReport is what layers.json holds.
type layerReport struct {
	Images   []string      `json:"images"` // those that were measured
	Settings string        `json:"settings"`
	Device   string        `json:"device"`
	Driver   string        `json:"driver"`
	Version  string        `json:"version"`
	Models   []layerSeries `json:"models"`
}

// layerSeries are the measures of one model.
type layerSeries struct {
	Name   string         `json:"name"`
	SHA256 string         `json:"sha256"`
	Layers []layerFigures `json:"layers"`

	inputs []string // images that were measured
}

// layerFigures are the measures of one layer, counted from 0.
type layerFigures struct {
	Layer      int     `json:"layer"`
	CodingRate figure  `json:"coding_rate"`
	NonZero    *figure `json:"non_zero,omitempty"` // of blocks that make zeros
}

// figure is a mean over images with its deviation, and each image's value.
type figure struct {
	Mean     number   `json:"mean"`
	Std      number   `json:"std"`
	PerImage []number `json:"per_image"`
}

func newFigure(mean, std float64, values layerwise.Series) figure {
	f := figure{Mean: number(mean), Std: number(std)}
	for _, x := range values {
		f.PerImage = append(f.PerImage, number(x))
	}
	return f
}

func (a *app) runAnalyze(ctx context.Context, f *analyzeFlags, args []string) error {
	if f.device.Precision == string(engine.FP16) {
		return cli.Usage(fmt.Errorf("--precision fp16 rounds small values to zeros that the model doesn't have: analyze runs in fp32"))
	}
	o, err := f.input.Options()
	if err != nil {
		return err
	}
	var sources []*engine.ModelSource
	for _, name := range append([]string{f.model.Model}, f.against...) {
		f.model.Model = name
		src, err := f.model.Open(a.log)
		if err != nil {
			return err
		}
		sources = append(sources, src)
	}
	tasks, err := f.source.list(ctx, a, args)
	if err != nil {
		return err
	}
	if err := mayReport(ctx, f.source.out, append(f.model.Files(), paths(tasks)...)); err != nil {
		return err
	}
	e, err := f.device.Open(ctx, a.log)
	if err != nil {
		return err
	}
	defer e.Close()
	report := &layerReport{Settings: f.input.Describe() + " " + f.device.Describe(), Device: e.Device().Name, Driver: e.Device().Driver, Version: cli.Version()}
	var failed error
	for _, src := range sources {
		m, err := e.Load(ctx, src)
		if err != nil {
			return err
		}
		series, err := a.measure(ctx, f, m, src, tasks, o)
		if err != nil && !partly(err) {
			return err
		}
		failed = err
		report.Models = append(report.Models, *series)
		report.Images = series.inputs
		m.Close()
	}
	if len(report.Images) == 0 {
		return failed
	}
	if f.source.out != "" {
		if err := report.write(f.source.out); err != nil {
			return err
		}
		a.log.Info("wrote layers.csv, layers.json and charts into " + f.source.out)
	}
	if f.source.asJSON {
		err = writeJSON(a.out, report)
	} else {
		err = report.table(a.out)
	}
	if err != nil {
		return err
	}
	return failed
}

// measure goes over the images with one model.
func (a *app) measure(ctx context.Context, f *analyzeFlags, m *engine.Model, src *engine.ModelSource, tasks []task, o engine.InputOptions) (*layerSeries, error) {
	depth := src.Config.Depth
	rates, shares := make([]layerwise.Series, depth), make([]layerwise.Series, depth)
	s := &layerSeries{Name: src.Name, SHA256: src.Hash}
	p := &sweep[engine.LayerMeasures]{app: a, tasks: tasks, decode: f.input.Decode()}
	p.model, p.read = m, engine.Analyze(engine.AnalyzeOptions{InputOptions: o})
	p.use = func(t task, item engine.Item[engine.LayerMeasures]) error {
		if item.Err != nil {
			return nil
		}
		s.inputs = append(s.inputs, t.label())
		for l := range depth {
			rates[l] = append(rates[l], item.Value.Rates[l])
			shares[l] = append(shares[l], 1-item.Value.Zeros[l])
		}
		return nil
	}
	err := p.run(ctx)
	for l := range depth {
		x := layerFigures{Layer: l, CodingRate: newFigure(rates[l].Mean(), rates[l].Deviation(), rates[l])}
		if len(shares[l]) > 0 && !math.IsNaN(shares[l][0]) {
			share := newFigure(shares[l].Mean(), shares[l].PopulationDeviation(), shares[l])
			x.NonZero = &share
		}
		s.Layers = append(s.Layers, x)
	}
	return s, err
}

// table prints the figures for people.
func (r *layerReport) table(w io.Writer) error {
	fmt.Fprintf(w, "%d images on %s, %s\n", len(r.Images), r.Device, r.Settings)
	for _, m := range r.Models {
		fmt.Fprintf(w, "\n%s\n", m.Name)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "layer\tR^c (nats)\t±\tnon-zero\t±\t")
		for _, l := range m.Layers {
			share, spread := "–", "–"
			if l.NonZero != nil {
				share, spread = fmt.Sprintf("%.4f", l.NonZero.Mean), fmt.Sprintf("%.4f", l.NonZero.Std)
			}
			fmt.Fprintf(t, "%d\t%.3f\t%.3f\t%s\t%s\t\n", l.Layer, l.CodingRate.Mean, l.CodingRate.Std, share, spread)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// csv has a row a model and layer.
func (r *layerReport) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"model", "layer", "images", "coding_rate_mean", "coding_rate_std", "non_zero_mean", "non_zero_std"})
	text := func(x number) string { return strconv.FormatFloat(float64(x), 'g', -1, 64) }
	for _, m := range r.Models {
		for _, l := range m.Layers {
			row := []string{quote.Cell(m.Name), strconv.Itoa(l.Layer), strconv.Itoa(len(r.Images)), text(l.CodingRate.Mean), text(l.CodingRate.Std), "", ""}
			if l.NonZero != nil {
				row[5], row[6] = text(l.NonZero.Mean), text(l.NonZero.Std)
			}
			c.Write(row)
		}
	}
	c.Flush()
	return c.Error()
}

func (r *layerReport) rates() chart.Lines {
	c := chart.Lines{Title: "Coding rate by layer", XLabel: "layer ℓ", YLabel: "coding rate Rᶜ, nats", FromZero: true}
	for _, m := range r.Models {
		c.Lines = append(c.Lines, m.line(func(l *layerFigures) *figure { return &l.CodingRate }))
	}
	return c
}

func (r *layerReport) sparsity() chart.Lines {
	c := chart.Lines{Title: "Non-zero share behind the ISTA blocks", XLabel: "layer ℓ", YLabel: "non-zero share", FromZero: true}
	for _, m := range r.Models {
		if line := m.line(func(l *layerFigures) *figure { return l.NonZero }); line.X != nil {
			c.Lines = append(c.Lines, line)
		}
	}
	return c
}

// line is one series of a chart, whose layers count from 1.
func (s *layerSeries) line(of func(*layerFigures) *figure) chart.Line {
	line := chart.Line{Name: filepath.Base(s.Name)}
	for i := range s.Layers {
		if v := of(&s.Layers[i]); v != nil {
			line.X = append(line.X, float64(i+1))
			line.Y = append(line.Y, float64(v.Mean))
			line.Err = append(line.Err, float64(v.Std))
		}
	}
	return line
}

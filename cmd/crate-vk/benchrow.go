package main

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
	"github.com/crate-vk/crate-vk/cmd/internal/stats"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
)

// benchRow is one row, as scripts read it.
type benchRow struct {
	Model     string           `json:"model"`
	Size      string           `json:"size"` // width x height
	Batch     int              `json:"batch"`
	Precision string           `json:"precision"`
	Device    string           `json:"device"`
	Driver    string           `json:"driver"`
	Readout   string           `json:"readout"`
	PerImage  benchPercentiles `json:"ms_per_image"`
	CPU       float64          `json:"cpu_ms_per_image"`
	DeviceMS  float64          `json:"device_ms_per_image"`
	ImagesS   float64          `json:"images_per_second"`
	GFLOPS    float64          `json:"gflops"`
	Share     float64          `json:"share_of_device_gflops"`
	FLOPs     int64            `json:"flops_per_image"`
	Peak      int64            `json:"peak_bytes"`
	Weights   int64            `json:"weight_bytes"`
	Arena     int64            `json:"arena_bytes"`
	LoadMS    float64          `json:"load_ms"`
	FirstMS   float64          `json:"first_run_ms"`
	Runs      int              `json:"runs"`
	Sensors   sensors.Reading  `json:"sensors"`
	Env       environment      `json:"environment"`
	Ops       []benchOp        `json:"ops,omitempty"`
	Samples   benchSamples     `json:"samples"`
}

// benchPercentiles are those of the runs, in milliseconds an image.
type benchPercentiles struct {
	benchTimes
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// benchTimes is a median with the fifth and ninety-fifth percentile.
type benchTimes struct {
	Median float64 `json:"median"`
	P5     float64 `json:"p5"`
	P95    float64 `json:"p95"`
}

func percentiles(list []float64) benchPercentiles {
	s := stats.Summarise(list)
	return benchPercentiles{benchTimes{s.Median, s.P5, s.P95}, s.P90, s.P99}
}

// benchSamples are the single runs in the order in which they were timed, in
// milliseconds an image.
type benchSamples struct {
	Wall []float64 `json:"ms_per_image"`
	CPU  []float64 `json:"cpu_ms_per_image"`
}

type benchOp struct {
	Name   string  `json:"name"`
	Count  int     `json:"count"`
	MS     float64 `json:"ms"`
	GFLOPS float64 `json:"gflops"`
	GBs    float64 `json:"gb_per_second"`
	Roof   float64 `json:"share_of_roof"` // the larger share of the two ceilings
}

// benching is what the rows of one engine have in common.
type benching struct {
	e       *engine.Engine
	f       *benchFlags
	length  measure.BenchOptions
	ceiling measure.Ceiling
	env     environment
}

// row times one request.
func (b *benching) row(ctx context.Context, m *engine.Model, size string, batch int, what string) (plotRow, error) {
	var row plotRow
	c := m.Config()
	s, err := cli.ParseSize(size)
	if err != nil {
		return row, cli.Usage(err)
	}
	height, width, err := cli.ModelSize(s, &c)
	if err != nil {
		return row, err
	}
	r, err := expert.NamedRequest(&c, what, batch, height, width)
	if err != nil {
		return row, cli.Usage(err)
	}
	d := b.e.Device()
	watch := sensors.Start(ctx, sensors.Device{Type: d.Type, Driver: d.Driver, UUID: d.UUID})
	res, err := measure.Bench(ctx, m, r, b.length)
	seen := watch.Stop()
	if err != nil {
		return row, err
	}
	row.tokens, row.depth, row.width = height/c.Patch*(width/c.Patch)+c.Prefix, c.Depth, c.Dim
	row.benchRow = newBenchRow(res, batch)
	row.Model, row.Size, row.Precision, row.Readout = m.Source().Name, fmt.Sprintf("%dx%d", width, height), b.f.device.Precision, what
	row.Device, row.Driver, row.Sensors, row.Env = d.Name, d.Driver, seen, b.env
	if b.ceiling.GFLOPS > 0 {
		row.Share = row.GFLOPS / b.ceiling.GFLOPS
	}
	if b.f.ops {
		row.Ops = benchOps(res.Ops, b.ceiling)
	}
	return row, nil
}

// newBenchRow has what was measured, by image.
func newBenchRow(res *measure.BenchResult, batch int) benchRow {
	n := float64(batch)
	each := func(list []time.Duration) []float64 {
		ms := make([]float64, len(list))
		for i, d := range list {
			ms[i] = d.Seconds() * 1e3 / n
		}
		return ms
	}
	r := benchRow{
		Batch: batch, DeviceMS: res.Device.Seconds() * 1e3 / n, FLOPs: res.FLOPs / int64(batch), Peak: res.Peak, Weights: res.Weights, Arena: res.Arena,
		LoadMS: res.Load.Seconds() * 1e3, FirstMS: res.First.Seconds() * 1e3, Runs: len(res.Wall), Samples: benchSamples{each(res.Wall), each(res.CPU)},
	}
	r.PerImage, r.CPU = percentiles(r.Samples.Wall), stats.Summarise(r.Samples.CPU).Median
	r.ImagesS, r.GFLOPS = 1e3/r.PerImage.Median, float64(r.FLOPs)/r.PerImage.Median/1e6
	return r
}

// benchOps are the kernels behind a row. Roof is 0 where no ceiling was measured.
func benchOps(list []measure.OpTime, c measure.Ceiling) (ops []benchOp) {
	for _, op := range list {
		sec := op.Time.Seconds()
		o := benchOp{Name: op.Name, Count: op.Count, MS: sec * 1e3, GFLOPS: rate(float64(op.FLOPs), sec), GBs: rate(float64(op.Bytes), sec)}
		if c.GFLOPS > 0 {
			o.Roof = max(o.GFLOPS/c.GFLOPS, o.GBs/c.GBs)
		}
		ops = append(ops, o)
	}
	return ops
}

// rate is 10⁹ a second, 0 where no time was measured.
func rate(n, seconds float64) float64 {
	if seconds == 0 {
		return 0
	}
	return n / seconds / 1e9
}

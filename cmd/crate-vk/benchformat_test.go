package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
)

var update = flag.Bool("update", false, "rewrite testdata/bench")

// drawnRows are two rows with round figures: of a GPU with kernels and sensors,
// and of a software device without.
func drawnRows() (environment, engine.DeviceInfo, []benchRow) {
	ms := func(list ...float64) (d []time.Duration) {
		for _, x := range list {
			d = append(d, time.Duration(x*1e6))
		}
		return d
	}
	device := engine.DeviceInfo{Name: "Card 'X', 9", Type: "discrete", Driver: "maker 1.2", API: "1.3.0"}
	env := environment{Time: "2026-11-30T12:00:00Z", Version: "0.1.0+abc", Go: "go1.26", Platform: "linux/amd64", CPU: "Processor 7", Cores: 16, Type: device.Type,
		API: device.API, Tuning: "static", GFLOPS: 20000, GBs: 900}
	first := newBenchRow(&measure.BenchResult{Wall: ms(10, 12, 11, 30), CPU: ms(1, 2, 3, 4), Device: 8 * time.Millisecond, FLOPs: 80e9, Weights: 50e6, Arena: 20e6,
		Peak: 100e6, Load: time.Second, First: 20 * time.Millisecond}, 2)
	first.Model, first.Size, first.Precision, first.Readout = "=crate-s16", "224x224", "fp32", "attention@2"
	first.Device, first.Driver, first.Env, first.Share = device.Name, device.Driver, env, first.GFLOPS/env.GFLOPS
	first.Sensors = sensors.Reading{From: "nvidia-smi", Clock: &sensors.Span{Least: 1900, Median: 1980, Most: 1990}, Power: &sensors.Span{Least: 400, Median: 500, Most: 600}}
	first.Ops = benchOps([]measure.OpTime{{Name: "linear_tiles 197×384→384", Count: 12, Time: 4 * time.Millisecond, FLOPs: 40e9, Bytes: 1e9}},
		measure.Ceiling{GFLOPS: env.GFLOPS, GBs: env.GBs})
	second := newBenchRow(&measure.BenchResult{Wall: ms(7), CPU: ms(14), FLOPs: 7e9}, 1)
	second.Model, second.Size, second.Precision, second.Readout = "crate-demo", "128x128", "fp16", "logits"
	second.Sensors.Unread = "clocks and power: nothing tells"
	return env, device, []benchRow{first, second}
}

// TestFormats holds every format against testdata/bench.
func TestFormats(t *testing.T) {
	for _, format := range []string{"md", "csv", "json", "jsonl", "sql", "gobench"} {
		write, err := benchWriter(format)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(benchFormats, format) {
			t.Errorf("--help does not name %s", format)
		}
		env, device, rows := drawnRows()
		var got bytes.Buffer
		out := write(&got)
		out.header(env.lines(device))
		for _, r := range rows {
			out.row(r)
		}
		if err := out.end(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "..", "testdata", "bench", "rows."+format)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is not as in %s (-update writes it anew):\n%s", format, path, got.String())
		}
	}
}

// TestFullDisk: each format tells of the first write that fails.
func TestFullDisk(t *testing.T) {
	for _, format := range []string{"md", "csv", "json", "jsonl", "sql", "gobench"} {
		write, err := benchWriter(format)
		if err != nil {
			t.Fatal(err)
		}
		env, device, rows := drawnRows()
		out := write(&failsOnce{})
		out.header(env.lines(device))
		out.row(rows[0])
		if out.end() == nil {
			t.Errorf("%s: what can't be written is not told of", format)
		}
	}
}

// failsOnce is a disk that is full for a moment.
type failsOnce struct{ failed bool }

func (d *failsOnce) Write(p []byte) (int, error) {
	if d.failed {
		return len(p), nil
	}
	d.failed = true
	return 0, os.ErrClosed
}

// TestBenchRow: figures are by image, percentiles those of the runs.
func TestBenchRow(t *testing.T) {
	_, _, rows := drawnRows()
	r := rows[0]
	near := func(what string, got, want float64) {
		if got < want*(1-1e-9) || got > want*(1+1e-9) {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("the median", r.PerImage.Median, 5.75)
	near("p5", r.PerImage.P5, 5.075)
	near("p90", r.PerImage.P90, 12.3)
	near("p95", r.PerImage.P95, 13.65)
	near("p99", r.PerImage.P99, 14.73)
	near("CPU", r.CPU, 1.25)
	near("img/s", r.ImagesS, 1e3/5.75)
	near("GF/s", r.GFLOPS, 40/5.75e-3)
	near("the first run", r.Samples.Wall[0], 5)
	near("the last run", r.Samples.Wall[3], 15)
	near("the kernel's share of the roof", r.Ops[0].Roof, 0.5)
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

// pipelineFlags of bench pipeline: those of segment and its own.
type pipelineFlags struct {
	segment segmentFlags
	images  int
	delay   time.Duration
	repeat  int
}

// pipelineRow is what bench pipeline prints.
type pipelineRow struct {
	Model   string  `json:"model"`
	Device  string  `json:"device"`
	Images  int     `json:"images"`
	Batch   int     `json:"batch"`
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"` // of a run: opening the device, the model, all images; median
	Least   float64 `json:"seconds_least"`
	Most    float64 `json:"seconds_most"`
	// Delays is the sum of the simulated delays, in seconds.
	Delays float64 `json:"delays,omitempty"`
	// CPU is process CPU time an image, in milliseconds; a software device's
	// part of it, measured by itself behind the runs, is DeviceCPU.
	CPU       float64 `json:"cpu_ms_per_image"`
	DeviceCPU float64 `json:"device_cpu_ms_per_image"`
	Peak      int64   `json:"peak_bytes"`
	Weights   int64   `json:"weight_bytes"`
	Arena     int64   `json:"arena_bytes"`
}

func (a *app) benchPipeline() *cobra.Command {
	f := &pipelineFlags{}
	c := a.segmentCommand(&f.segment)
	c.Use = "pipeline [flags] [PATH...]"
	c.Short = "Time segment from files to files"
	c.Long = `pipeline runs segment with the given flags on the images at PATH, or on JPEGs of 1 to
2 megapixels that it draws, into a folder that it removes, and reports time, process
CPU time an image and the largest resident memory. Behind the runs it times the
model by itself: on a software device CPU time less the device's is the host's part.
With --delay a batch takes a fixed time on a device that computes nothing, and wall time
less the delays is what the host adds. --images 1 is the start to the first mask.`
	c.Args = cobra.ArbitraryArgs
	s := c.Flags()
	s.SortFlags = false
	s.IntVar(&f.images, "images", 200, "JPEGs to draw, without PATH")
	s.DurationVar(&f.delay, "delay", 0, "a simulated device that takes so long for each batch, such as 50ms")
	s.IntVar(&f.repeat, "repeat", 1, "runs")
	out, format := s.Lookup("out"), s.Lookup("format")
	out.Hidden, format.DefValue = true, "mask"
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if !format.Changed {
			f.segment.format = []string{"mask"}
		}
		return a.runPipeline(cmd.Context(), f, args)
	}
	return c
}

func (a *app) runPipeline(ctx context.Context, f *pipelineFlags, args []string) error {
	if f.images < 1 || f.repeat < 1 || f.delay < 0 {
		return cli.Usage(fmt.Errorf("--images is %d, --repeat %d and --delay %v, want at least 1, 1 and 0", f.images, f.repeat, f.delay))
	}
	dir, err := os.MkdirTemp("", "crate-vk-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if len(args) == 0 {
		args = []string{filepath.Join(dir, "in")}
		if err := drawImages(args[0], f.images); err != nil {
			return err
		}
	}
	asJSON := f.segment.source.asJSON
	f.segment.source.asJSON, f.segment.device.Simulate = false, f.delay
	row := pipelineRow{Runs: f.repeat}
	var seconds, cpus []float64
	for i := range f.repeat {
		f.segment.source.out = filepath.Join(dir, fmt.Sprint(i))
		cpu, _ := measure.Usage()
		start := time.Now()
		if err := a.runSegment(ctx, &f.segment, args); err != nil {
			return err
		}
		seconds = append(seconds, time.Since(start).Seconds())
		after, peak := measure.Usage()
		cpus, row.Peak = append(cpus, (after-cpu).Seconds()), peak
	}
	slices.Sort(seconds)
	slices.Sort(cpus)
	row.Seconds, row.Least, row.Most = seconds[len(seconds)/2], seconds[0], seconds[len(seconds)-1]
	masks, err := filepath.Glob(filepath.Join(dir, "0", "*.mask.png"))
	if err != nil || len(masks) == 0 {
		return fmt.Errorf("no masks were made, %w", err)
	}
	row.Images = len(masks)
	row.CPU = cpus[len(cpus)/2] * 1e3 / float64(row.Images)
	if err := f.deviceAlone(ctx, a, &row); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.out, row)
	}
	return row.print(a.out)
}

// deviceAlone times the model by itself, with the batch of the runs.
func (f *pipelineFlags) deviceAlone(ctx context.Context, a *app, row *pipelineRow) error {
	quiet := &app{streams: a.streams, log: slog.New(slog.DiscardHandler)}
	src, err := f.segment.model.Open(quiet.log)
	if err != nil {
		return err
	}
	s, err := quiet.load(ctx, &f.segment.device, src)
	if err != nil {
		return err
	}
	defer s.close()
	in, err := f.segment.input.Options()
	if err != nil {
		return err
	}
	c := s.m.Config()
	row.Model, row.Device, row.Batch = src.Name, s.e.Device().String(), s.m.BatchSize(in.Batch)
	if f.delay > 0 {
		row.Delays = f.delay.Seconds() * math.Ceil(float64(row.Images)/float64(row.Batch))
		return nil
	}
	if s.e.Device().Reference() || in.Size.Native {
		return nil
	}
	height, width, err := cli.ModelSize(in.Size, &c)
	if err != nil {
		return err
	}
	r := engine.Request{Outputs: []string{fmt.Sprintf("cls_attention.%d", c.ReadLayer())}, Height: height, Width: width, Batch: min(row.Batch, row.Images), Positions: crate.PositionsExact}
	res, err := measure.Bench(ctx, s.m, r, measure.BenchOptions{Budget: 3 * time.Second})
	if err != nil {
		return err
	}
	row.Weights, row.Arena = res.Weights, res.Arena
	if s.e.Device().Type == "software" {
		row.DeviceCPU = newBenchRow(res, r.Batch).CPU
	}
	return nil
}

func (r *pipelineRow) print(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s on %s: %d images in batches of %d, %d runs\n", r.Model, r.Device, r.Images, r.Batch, r.Runs)
	fmt.Fprintf(b, "wall      %.2f s (%.2f … %.2f), %.2f ms an image\n", r.Seconds, r.Least, r.Most, r.Seconds*1e3/float64(r.Images))
	if r.Delays > 0 {
		fmt.Fprintf(b, "delays    %.2f s: wall is %.2f times that\n", r.Delays, r.Seconds/r.Delays)
	}
	fmt.Fprintf(b, "CPU       %.1f ms an image", r.CPU)
	if r.DeviceCPU > 0 {
		fmt.Fprintf(b, ", of which the device %.1f: the host has %.1f", r.DeviceCPU, r.CPU-r.DeviceCPU)
	}
	fmt.Fprintf(b, "\nmemory    %.1f MB at most", float64(r.Peak)/1e6)
	if r.Weights > 0 {
		fmt.Fprintf(b, ", of which weights %.1f and tensors %.1f", float64(r.Weights)/1e6, float64(r.Arena)/1e6)
	}
	fmt.Fprintln(b)
	return b.Flush()
}

// drawImages draws JPEGs of 1.2 to 1.9 megapixels with smooth parts, edges and
// noise, so that they decode like photographs.
func drawImages(dir string, n int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, 1280+i%5*80, 960+i%7*40))
		noise := uint32(i + 1)
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				noise = noise*1664525 + 1013904223
				v := 128 + 60*math.Sin(float64(x*(i%9+1))/97)*math.Cos(float64(y)/53) + float64(noise>>24)/16 - 8
				if (x-640)*(x-640)+(y-480)*(y-480) < 200*200+i*100 {
					v = 255 - v
				}
				m.SetRGBA(x, y, color.RGBA{uint8(v), uint8(255 - v), uint8((x + y) / 12), 255})
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%04d.jpg", i)))
		if err != nil {
			return err
		}
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: 88})
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// mdBench prints a Markdown table, and one of the kernels behind each row that
// has them.
type mdBench struct {
	w    io.Writer
	rows int
	err  error
}

func (b *mdBench) print(format string, args ...any) {
	if b.err == nil {
		_, b.err = fmt.Fprintf(b.w, format, args...)
	}
}

func (b *mdBench) header(lines []string) {
	if b.rows > 0 {
		b.print("\n")
	}
	b.rows = 0
	for _, l := range lines {
		b.print("%s  \n", l)
	}
}

func (b *mdBench) row(r benchRow) {
	if b.rows == 0 {
		b.print("\n| model | size | batch | precision | read-out | ms/image | p5 | p95 | CPU ms | device ms | img/s | GF/s | of peak | weights MB | tensors MB | runs |\n")
		b.print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	}
	b.rows++
	b.print("| %s | %s | %d | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.0f %% | %.1f | %.1f | %d |\n", r.Model, r.Size, r.Batch, r.Precision, r.Readout,
		r.PerImage.Median, r.PerImage.P5, r.PerImage.P95, r.CPU, r.DeviceMS, r.ImagesS, r.GFLOPS, 100*r.Share, float64(r.Weights)/1e6, float64(r.Arena)/1e6, r.Runs)
	if len(r.Ops) == 0 {
		return
	}
	b.rows = 0
	b.print("\n| kernel | count | ms a batch | GF/s | GB/s bound | of the roof |\n|---|---|---|---|---|---|\n")
	for _, op := range r.Ops {
		b.print("| %s | %d | %.3f | %.1f | %.1f | %.0f %% |\n", op.Name, op.Count, op.MS, op.GFLOPS, op.GBs, 100*op.Roof)
	}
}

func (b *mdBench) end() error { return b.err }

// csvBench prints comma-separated values, without the kernels.
type csvBench struct {
	w     io.Writer
	begun bool
	err   error
}

func (b *csvBench) header([]string) {}

func (b *csvBench) row(r benchRow) {
	w := csv.NewWriter(b.w)
	if !b.begun {
		b.begun = true
		w.Write([]string{"model", "size", "batch", "precision", "device", "driver", "readout", "ms_per_image", "ms_p5", "ms_p95", "cpu_ms_per_image", "device_ms_per_image", "images_per_second", "gflops", "share", "flops_per_image", "peak_bytes", "weight_bytes", "arena_bytes", "runs"})
	}
	f := func(x float64) string { return fmt.Sprintf("%.6g", x) }
	n := func(x int64) string { return fmt.Sprint(x) }
	w.Write([]string{quote.Cell(r.Model), r.Size, itoa(r.Batch), r.Precision, quote.Cell(r.Device), quote.Cell(r.Driver), r.Readout, f(r.PerImage.Median), f(r.PerImage.P5), f(r.PerImage.P95), f(r.CPU), f(r.DeviceMS),
		f(r.ImagesS), f(r.GFLOPS), f(r.Share), n(r.FLOPs), n(r.Peak), n(r.Weights), n(r.Arena), itoa(r.Runs)})
	w.Flush()
	if b.err == nil {
		b.err = w.Error()
	}
}

func (b *csvBench) end() error { return b.err }

// jsonBench prints one list of rows.
type jsonBench struct {
	w    io.Writer
	rows []benchRow
}

func (b *jsonBench) header([]string) {}
func (b *jsonBench) row(r benchRow)  { b.rows = append(b.rows, r) }
func (b *jsonBench) end() error      { return writeJSON(b.w, b.rows) }

// jsonlBench prints a row a line, as they come.
type jsonlBench struct {
	w   io.Writer
	err error
}

func (b *jsonlBench) header([]string) {}

func (b *jsonlBench) row(r benchRow) {
	if err := json.NewEncoder(b.w).Encode(r); err != nil && b.err == nil {
		b.err = err
	}
}

func (b *jsonlBench) end() error { return b.err }

// goBench prints what Go's benchmark tools read (benchstat).
type goBench struct {
	w   io.Writer
	err error
}

func (b *goBench) print(format string, args ...any) {
	if b.err == nil {
		_, b.err = fmt.Fprintf(b.w, format, args...)
	}
}

func (b *goBench) header(lines []string) {
	for i, l := range lines {
		b.print("%s: %s\n", []string{"version", "device", "ceiling"}[min(i, 2)], strings.TrimPrefix(l, "device: "))
	}
}

func (b *goBench) row(r benchRow) {
	name := strings.NewReplacer(" ", "_", "/", "-").Replace(r.Model)
	b.print("BenchmarkModel/model=%s/size=%s/batch=%d/precision=%s/readout=%s %d %.0f ns/op %.6g cpu-ns/op %.6g img/s %.6g GF/s\n", name, r.Size, r.Batch, r.Precision,
		strings.ReplaceAll(r.Readout, "@", "-"), r.Runs, r.PerImage.Median*1e6, r.CPU*1e6, r.ImagesS, r.GFLOPS)
}

func (b *goBench) end() error { return b.err }

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
)

// benchOutput prints rows in one of the formats.
type benchOutput interface {
	header(lines []headerLine)
	row(benchRow)
	end() error
}

// benchFormats are the formats' names, as --help has them.
const benchFormats = "md, csv, json, jsonl, sql or gobench"

func benchWriter(format string) (func(io.Writer) benchOutput, error) {
	switch format {
	case "md":
		return func(w io.Writer) benchOutput { return &mdBench{benchPrinter: benchPrinter{w: w}} }, nil
	case "csv":
		return func(w io.Writer) benchOutput { return &csvBench{w: w} }, nil
	case "json":
		return func(w io.Writer) benchOutput { return &jsonBench{w: w} }, nil
	case "jsonl":
		return func(w io.Writer) benchOutput { return &jsonlBench{w: w} }, nil
	case "sql":
		return func(w io.Writer) benchOutput { return &sqlBench{benchPrinter: benchPrinter{w: w}} }, nil
	case "gobench":
		return func(w io.Writer) benchOutput { return &goBench{benchPrinter{w: w}} }, nil
	}
	return nil, cli.Usage(fmt.Errorf("--format is %q, want %s", format, benchFormats))
}

// benchPrinter keeps the first error of many writes.
type benchPrinter struct {
	w   io.Writer
	err error
}

func (p *benchPrinter) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// mdBench prints a Markdown table, and one of the kernels behind each row that
// has them.
type mdBench struct {
	benchPrinter
	rows   int
	unread []string // why clocks or power can't be read, each reason once
}

func (b *mdBench) header(lines []headerLine) {
	if b.rows > 0 {
		b.print("\n")
	}
	b.rows = 0
	for _, l := range lines {
		if l.key == "cpu" || l.key == "device" {
			b.print("%s: ", l.key)
		}
		b.print("%s  \n", l.text)
	}
}

func (b *mdBench) row(r benchRow) {
	if b.rows == 0 {
		b.print("\n| model | size | batch | precision | read-out | ms/image | p5 | p90 | p95 | p99 | CPU ms | device ms | img/s | GF/s | of peak | weights MB | tensors MB | MHz | W | runs |\n")
		b.print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	}
	b.rows++
	p := r.PerImage
	b.print("| %s | %s | %d | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.0f %% | %.1f | %.1f | %s | %s | %d |\n", r.Model, r.Size, r.Batch, r.Precision, r.Readout,
		p.Median, p.P5, p.P90, p.P95, p.P99, r.CPU, r.DeviceMS, r.ImagesS, r.GFLOPS, 100*r.Share, float64(r.Weights)/1e6, float64(r.Arena)/1e6, medianOf(r.Sensors.Clock), medianOf(r.Sensors.Power), r.Runs)
	if why := r.Sensors.Unread; why != "" && !slices.Contains(b.unread, why) {
		b.unread = append(b.unread, why)
	}
	if len(r.Ops) == 0 {
		return
	}
	b.rows = 0
	b.print("\n| kernel | count | ms a batch | GF/s | GB/s bound | of the roof |\n|---|---|---|---|---|---|\n")
	for _, op := range r.Ops {
		b.print("| %s | %d | %.3f | %.1f | %.1f | %.0f %% |\n", op.Name, op.Count, op.MS, op.GFLOPS, op.GBs, 100*op.Roof)
	}
}

func (b *mdBench) end() error {
	for _, why := range b.unread {
		b.print("\nnot readable: %s\n", why)
	}
	return b.err
}

// medianOf prints what a sensor said, a dash where it said nothing.
func medianOf(s *sensors.Span) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f", s.Median)
}

// jsonBench prints one list of rows.
type jsonBench struct {
	w    io.Writer
	rows []benchRow
}

func (b *jsonBench) header([]headerLine) {}
func (b *jsonBench) row(r benchRow)      { b.rows = append(b.rows, r) }
func (b *jsonBench) end() error          { return writeJSON(b.w, b.rows) }

// jsonlBench prints a row a line, as they come.
type jsonlBench struct {
	w   io.Writer
	err error
}

func (b *jsonlBench) header([]headerLine) {}

func (b *jsonlBench) row(r benchRow) {
	if err := json.NewEncoder(b.w).Encode(r); err != nil && b.err == nil {
		b.err = err
	}
}

func (b *jsonlBench) end() error { return b.err }

// goBench prints what Go's benchmark tools read (benchstat).
type goBench struct{ benchPrinter }

func (b *goBench) header(lines []headerLine) {
	for _, l := range lines {
		b.print("%s: %s\n", l.key, l.text)
	}
}

func (b *goBench) row(r benchRow) {
	name := strings.NewReplacer(" ", "_", "/", "-").Replace(r.Model)
	b.print("BenchmarkModel/model=%s/size=%s/batch=%d/precision=%s/readout=%s %d %.0f ns/op %.6g cpu-ns/op %.6g img/s %.6g GF/s\n", name, r.Size, r.Batch, r.Precision,
		strings.ReplaceAll(r.Readout, "@", "-"), r.Runs, r.PerImage.Median*1e6, r.CPU*1e6, r.ImagesS, r.GFLOPS)
}

func (b *goBench) end() error { return b.err }

package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// benchColumn is a column of csv and sql: a string, an int, an int64, a float64,
// or nil where there is no figure.
type benchColumn struct {
	name  string
	kind  string // SQL's
	value func(*benchRow) any
}

// benchColumns are those that csv and sql have, in their order.
func benchColumns() []benchColumn {
	median := func(s *sensors.Span) any {
		if s == nil {
			return nil
		}
		return s.Median
	}
	return []benchColumn{
		{"model", "TEXT", func(r *benchRow) any { return r.Model }},
		{"size", "TEXT", func(r *benchRow) any { return r.Size }},
		{"batch", "INTEGER", func(r *benchRow) any { return r.Batch }},
		{"precision", "TEXT", func(r *benchRow) any { return r.Precision }},
		{"device", "TEXT", func(r *benchRow) any { return r.Device }},
		{"driver", "TEXT", func(r *benchRow) any { return r.Driver }},
		{"readout", "TEXT", func(r *benchRow) any { return r.Readout }},
		{"ms_per_image", "REAL", func(r *benchRow) any { return r.PerImage.Median }},
		{"ms_p5", "REAL", func(r *benchRow) any { return r.PerImage.P5 }},
		{"ms_p90", "REAL", func(r *benchRow) any { return r.PerImage.P90 }},
		{"ms_p95", "REAL", func(r *benchRow) any { return r.PerImage.P95 }},
		{"ms_p99", "REAL", func(r *benchRow) any { return r.PerImage.P99 }},
		{"cpu_ms_per_image", "REAL", func(r *benchRow) any { return r.CPU }},
		{"device_ms_per_image", "REAL", func(r *benchRow) any { return r.DeviceMS }},
		{"images_per_second", "REAL", func(r *benchRow) any { return r.ImagesS }},
		{"gflops", "REAL", func(r *benchRow) any { return r.GFLOPS }},
		{"share", "REAL", func(r *benchRow) any { return r.Share }},
		{"flops_per_image", "INTEGER", func(r *benchRow) any { return r.FLOPs }},
		{"peak_bytes", "INTEGER", func(r *benchRow) any { return r.Peak }},
		{"weight_bytes", "INTEGER", func(r *benchRow) any { return r.Weights }},
		{"arena_bytes", "INTEGER", func(r *benchRow) any { return r.Arena }},
		{"runs", "INTEGER", func(r *benchRow) any { return r.Runs }},
		{"clock_mhz", "REAL", func(r *benchRow) any { return median(r.Sensors.Clock) }},
		{"memory_mhz", "REAL", func(r *benchRow) any { return median(r.Sensors.Memory) }},
		{"power_watts", "REAL", func(r *benchRow) any { return median(r.Sensors.Power) }},
		{"time", "TEXT", func(r *benchRow) any { return r.Env.Time }},
		{"version", "TEXT", func(r *benchRow) any { return r.Env.Version }},
		{"go", "TEXT", func(r *benchRow) any { return r.Env.Go }},
		{"platform", "TEXT", func(r *benchRow) any { return r.Env.Platform }},
		{"cpu", "TEXT", func(r *benchRow) any { return r.Env.CPU }},
		{"cores", "INTEGER", func(r *benchRow) any { return r.Env.Cores }},
		{"device_type", "TEXT", func(r *benchRow) any { return r.Env.Type }},
		{"vulkan", "TEXT", func(r *benchRow) any { return r.Env.API }},
		{"vector_bits", "INTEGER", func(r *benchRow) any { return r.Env.VectorBits }},
		{"tuning", "TEXT", func(r *benchRow) any { return r.Env.Tuning }},
		{"ceiling_gflops", "REAL", func(r *benchRow) any { return r.Env.GFLOPS }},
		{"ceiling_gb_per_second", "REAL", func(r *benchRow) any { return r.Env.GBs }},
	}
}

// csvBench prints comma-separated values, without kernels and single runs.
type csvBench struct {
	w     io.Writer
	begun bool
	err   error
}

func (b *csvBench) header([]headerLine) {}

func (b *csvBench) row(r benchRow) {
	w := csv.NewWriter(b.w)
	var names, cells []string
	for _, c := range benchColumns() {
		names = append(names, c.name)
		switch x := c.value(&r).(type) {
		case nil:
			cells = append(cells, "")
		case string:
			cells = append(cells, quote.Cell(x))
		case float64:
			cells = append(cells, fmt.Sprintf("%.6g", x))
		default:
			cells = append(cells, fmt.Sprint(x))
		}
	}
	if !b.begun {
		b.begun = true
		w.Write(names)
	}
	w.Write(cells)
	w.Flush()
	if b.err == nil {
		b.err = w.Error()
	}
}

func (b *csvBench) end() error { return b.err }

// sqlBench prints statements that make a table where there is none and fill it:
// crate-vk bench --format sql | sqlite3 bench.db. The single runs are JSON lists in
// two more columns, as SQLite's json_each reads them.
type sqlBench struct {
	benchPrinter
	begun bool
}

func (b *sqlBench) header([]headerLine) {}

func (b *sqlBench) row(r benchRow) {
	list := append(benchColumns(),
		benchColumn{"samples_ms_per_image", "TEXT", func(r *benchRow) any { return jsonText(r.Samples.Wall) }},
		benchColumn{"samples_cpu_ms_per_image", "TEXT", func(r *benchRow) any { return jsonText(r.Samples.CPU) }})
	var made, names, values []string
	for _, c := range list {
		made, names = append(made, c.name+" "+c.kind), append(names, c.name)
		switch x := c.value(&r).(type) {
		case nil:
			values = append(values, "NULL")
		case string:
			values = append(values, "'"+strings.ReplaceAll(x, "'", "''")+"'")
		case float64:
			values = append(values, fmt.Sprintf("%.6g", x))
		default:
			values = append(values, fmt.Sprint(x))
		}
	}
	if !b.begun {
		b.begun = true
		b.print("CREATE TABLE IF NOT EXISTS bench (\n  %s\n);\n", strings.Join(made, ",\n  "))
	}
	b.print("INSERT INTO bench (%s) VALUES (%s);\n", strings.Join(names, ", "), strings.Join(values, ", "))
}

func (b *sqlBench) end() error { return b.err }

func jsonText(list []float64) string {
	data, err := json.Marshal(list)
	if err != nil {
		return "[]" // a time is never NaN
	}
	return string(data)
}

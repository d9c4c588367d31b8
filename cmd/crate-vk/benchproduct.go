package main

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/stats"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

// productFlags of bench product.
type productFlags struct {
	device  cli.DeviceFlags
	size    measure.ProductSize
	seconds float64
	asJSON  bool
}

func (a *app) benchProduct() *cobra.Command {
	var f productFlags
	c := &cobra.Command{
		Use:   "product",
		Short: "Time one matrix product alone",
		Long: `product times y = x·wᵀ by the kernel that a model of that size is given: x has --batch
images of --tokens rows and --inner columns, w --columns rows of --inner. The matrices are
random and stay on the device, so that the figure can be held against another library's,
such as PyTorch's torch.nn.functional.linear(x, w).
Without flags it is a product of a ViT-B/8 with 32 images: 25120×768×768.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBenchProduct(cmd.Context(), &f) },
	}
	s := c.Flags()
	s.SortFlags = false
	s.IntVar(&f.size.Batch, "batch", 32, "images `N`")
	s.IntVar(&f.size.Tokens, "tokens", 785, "rows of x an image")
	s.IntVar(&f.size.Inner, "inner", 768, "columns of x, and of w")
	s.IntVar(&f.size.Columns, "columns", 768, "of y: rows of w")
	s.Float64Var(&f.seconds, "seconds", 2, "time to measure, for at least five runs of some milliseconds or one product")
	s.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.device.Register(s)
	return c
}

// productRow is what bench product --json prints.
type productRow struct {
	Rows      int        `json:"rows"`
	Inner     int        `json:"inner"`
	Columns   int        `json:"columns"`
	Precision string     `json:"precision"`
	Device    string     `json:"device"`
	Driver    string     `json:"driver"`
	Kernel    string     `json:"kernel"`
	MS        benchTimes `json:"ms"`
	GFLOPS    float64    `json:"gflops"` // of the median
	Runs      int        `json:"runs"`
	Times     int        `json:"products_a_run"`
}

func (a *app) runBenchProduct(ctx context.Context, f *productFlags) error {
	s := f.size
	e, err := f.device.Open(ctx, a.log)
	if err != nil {
		return err
	}
	defer e.Close()
	t, err := measure.Product(ctx, e, s, time.Duration(f.seconds*float64(time.Second)))
	if err != nil {
		return err
	}
	var ms []float64
	for _, d := range t.Each {
		ms = append(ms, d.Seconds()*1e3)
	}
	sum := stats.Summarise(ms)
	row := productRow{Rows: s.Batch * s.Tokens, Inner: s.Inner, Columns: s.Columns, Precision: f.device.Precision, Device: e.Device().Name, Driver: e.Device().Driver,
		Kernel: t.Kernel, MS: benchTimes{sum.Median, sum.P5, sum.P95}, GFLOPS: rate(float64(t.FLOPs), sum.Median/1e3), Runs: len(ms), Times: t.Times}
	if f.asJSON {
		return writeJSON(a.out, row)
	}
	_, err = fmt.Fprintf(a.out, "%s, driver %s\n%d×%d×%d %s by %s: %.3f ms (%.3f to %.3f in nine runs of ten), %.1f GF/s, %d runs of %d products\n", row.Device, row.Driver,
		row.Rows, row.Inner, row.Columns, row.Precision, row.Kernel, sum.Median, sum.P5, sum.P95, row.GFLOPS, row.Runs, row.Times)
	return err
}

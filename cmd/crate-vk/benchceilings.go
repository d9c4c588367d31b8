package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

func (a *app) benchCeilings() *cobra.Command {
	var device cli.DeviceFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "ceilings",
		Short: "Measure what the device can do at most",
		Long: `ceilings measures what a device computes when nothing leaves its registers: multiply-adds
in float32, in float16 where kernels may compute with it, and products of each kind of
cooperative matrices (tensor cores, matrix cores, XMX) of float16 or int8 that the driver
reports, of a subgroup and, where the driver has them, of a workgroup; and copying within
its memory. Each result is checked: a row that computes something else says so, and the
exit code is 1. crate-vk's own kernels use no cooperative matrices.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBenchCeilings(cmd.Context(), &device, asJSON) },
	}
	s := c.Flags()
	s.SortFlags = false
	s.BoolVar(&asJSON, "json", false, "print JSON")
	device.RegisterDevice(s)
	return c
}

// ceilingsReport is what bench ceilings --json prints.
type ceilingsReport struct {
	Device string        `json:"device"`
	Driver string        `json:"driver"`
	GBs    float64       `json:"gb_per_second"`
	Peaks  []ceilingsRow `json:"peaks"`
	Lacks  []string      `json:"lacks,omitempty"`
}

// ceilingsRow is one ceiling of arithmetic.
type ceilingsRow struct {
	Factors string  `json:"factors"`
	Sums    string  `json:"sums"`
	Scope   string  `json:"scope,omitempty"`
	Shape   *[3]int `json:"shape,omitempty"` // M, N, K
	GFLOPS  float64 `json:"gflops"`
	Error   string  `json:"error,omitempty"`
}

func (a *app) runBenchCeilings(ctx context.Context, f *cli.DeviceFlags, asJSON bool) error {
	e, err := f.Open(ctx, a.log)
	if err != nil {
		return err
	}
	defer e.Close()
	c, err := measure.DeviceCeilings(ctx, e)
	if err != nil {
		return err
	}
	report := ceilingsReport{Device: e.Device().Name, Driver: e.Device().Driver, GBs: c.GBs, Lacks: c.Lacks}
	var bad []error
	for _, p := range c.Peaks {
		row := ceilingsRow{Factors: p.Factors, Sums: p.Sums, Scope: p.Scope, GFLOPS: p.GFLOPS}
		if p.Scope != "" {
			row.Shape = &p.Shape
		}
		if p.Err != nil {
			bad, row.Error = append(bad, fmt.Errorf("%v: %w", p, p.Err)), p.Err.Error()
		}
		report.Peaks = append(report.Peaks, row)
	}
	if asJSON {
		err = writeJSON(a.out, report)
	} else {
		err = report.print(a.out)
	}
	return errors.Join(err, errors.Join(bad...))
}

func (r *ceilingsReport) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s, driver %s\n\nFACTORS\tSUMS\tMATRICES M×N×K\tOF A\tTFLOP/S\n", r.Device, r.Driver)
	for _, p := range r.Peaks {
		shape, scope, speed := "–", "–", fmt.Sprintf("%.3f", p.GFLOPS/1e3)
		if p.Shape != nil {
			shape, scope = fmt.Sprintf("%d×%d×%d", p.Shape[0], p.Shape[1], p.Shape[2]), p.Scope
		}
		if p.Error != "" {
			speed = p.Error
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Factors, p.Sums, shape, scope, speed)
	}
	fmt.Fprintf(t, "\ncopying %.1f GB/s, read and written\n", r.GBs)
	if len(r.Lacks) > 0 {
		fmt.Fprintf(t, "not there: %s\n", strings.Join(r.Lacks, "; "))
	}
	return t.Flush()
}

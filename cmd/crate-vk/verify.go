package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/expert"
)

func (a *app) verify() *cobra.Command {
	var model cli.ModelFlags
	var device cli.DeviceFlags
	var o expert.VerifyOptions
	c := &cobra.Command{
		Use:   "verify [--model FILE|PRESET]",
		Short: "Compare every kernel and a whole model with the reference on the CPU",
		Long: `verify runs every kernel variant that plans for the device use on a small case, then
the whole model dispatch by dispatch, and compares each result with the interpreter.
It prints a row for each as it is known and exits with 1 when something disagrees.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runVerify(cmd.Context(), &model, &device, o)
		},
	}
	model.Register(c.Flags(), false)
	device.Register(c.Flags())
	c.Flags().BoolVar(&o.AllFamilies, "all", false, "test the kernels of every family that the device could run, not only those it is given")
	return c
}

func (a *app) runVerify(ctx context.Context, model *cli.ModelFlags, device *cli.DeviceFlags, o expert.VerifyOptions) error {
	src, err := model.Open(a.log)
	if err != nil {
		return err
	}
	e, err := device.Open(ctx, a.log)
	if err != nil {
		return err
	}
	defer e.Close()
	m, err := e.Load(ctx, src)
	if err != nil {
		return err
	}
	const row = "%-7s  %-6s  %-7s  %s\n" // not a tabwriter, which would hold all rows back
	rows, bad := 0, 0
	for v, err := range expert.Verify(ctx, m, o) {
		if err != nil {
			return err
		}
		if rows == 0 {
			fmt.Fprintf(a.out, row, "RESULT", "FAMILY", "ALLOWED", "WHAT")
		}
		result := "agrees"
		what := v.What
		if v.Err != nil {
			result = "DIFFERS"
			what += ": " + v.Err.Error()
			bad++
		}
		rows++
		if _, err := fmt.Fprintf(a.out, row, result, v.Family, fmt.Sprintf("%.0e", v.Allowed), what); err != nil {
			return err
		}
	}
	if bad > 0 {
		return cli.Coded(cli.ExitFailed, fmt.Errorf("%d of %d comparisons differ on %s", bad, rows, e.Device()))
	}
	a.log.Info(fmt.Sprintf("all %d comparisons agree on %s", rows, e.Device()))
	return nil
}

package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) verify() *cobra.Command {
	var model modelFlags
	var device deviceFlags
	c := &cobra.Command{
		Use:   "verify [--model FILE|PRESET]",
		Short: "Compare every kernel and a whole model with the reference on the CPU",
		Long: `verify runs every kernel variant that the device can run on a small case, then the
whole model dispatch by dispatch, and compares each result with the interpreter.
It prints a table and exits with 1 when something disagrees.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runVerify(cmd.Context(), &model, &device)
		},
	}
	model.register(c.Flags(), true)
	device.register(c.Flags())
	return c
}

func (a *app) runVerify(ctx context.Context, model *modelFlags, device *deviceFlags) error {
	src, err := model.open(a)
	if err != nil {
		return err
	}
	e, err := device.open(ctx, a)
	if err != nil {
		return err
	}
	defer e.Close()
	m, err := e.Load(ctx, src)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RESULT\tFAMILY\tALLOWED\tWHAT")
	rows, bad := 0, 0
	for v, err := range m.Verify(ctx) {
		if err != nil {
			return err
		}
		result := "agrees"
		what := v.What
		if v.Err != nil {
			result = "DIFFERS"
			what += ": " + v.Err.Error()
			bad++
		}
		rows++
		fmt.Fprintf(t, "%s\t%s\t%.0e\t%s\n", result, v.Family, v.Allowed, what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return &codedError{exitFailed, fmt.Errorf("%d of %d comparisons differ on %s", bad, rows, e.Device())}
	}
	fmt.Fprintf(a.err, "crate-vk: all %d comparisons agree on %s\n", rows, e.Device())
	return nil
}

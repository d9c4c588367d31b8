package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/spf13/cobra"
)

func (a *app) kernels() *cobra.Command {
	var model cli.ModelFlags
	var device cli.DeviceFlags
	var asJSON, isa, all bool
	var batch int
	c := &cobra.Command{
		Use:   "kernels [--model FILE|PRESET]",
		Short: "Compile a model's kernels and print what the driver says of them; executes nothing",
		Long: `kernels compiles each kernel variant that the model needs on the device and prints
the driver's statistics (VK_KHR_pipeline_executable_properties): registers, spills,
shared memory, code size, as far as the driver tells. With --isa it prints the machine
code too, where the driver gives it. Nothing is executed, so it also works on drivers
without hardware.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := a.kernelRows(cmd.Context(), &model, &device, batch, isa, all)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.out, rows)
			}
			return a.kernelTable(rows)
		},
	}
	model.Register(c.Flags(), false)
	device.Register(c.Flags())
	c.Flags().IntVar(&batch, "batch", 1, "images computed at once")
	c.Flags().BoolVar(&all, "all", false, "every variant of the verify suite instead of the model's")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&isa, "isa", false, "print the machine code, where the driver gives it")
	return c
}

func (a *app) kernelRows(ctx context.Context, model *cli.ModelFlags, device *cli.DeviceFlags, batch int, isa, all bool) ([]measure.KernelReport, error) {
	if device.Device == engine.Interpreter {
		return nil, cli.Usage(fmt.Errorf("the interpreter has no kernels: choose a device"))
	}
	src, err := model.Open(a.log)
	if err != nil {
		return nil, err
	}
	e, err := device.Open(ctx, a.log, expert.WithStatistics(), expert.WithoutSelfTest())
	if err != nil {
		return nil, err
	}
	defer e.Close()
	m, err := e.Load(ctx, src)
	if err != nil {
		return nil, err
	}
	return measure.Kernels(ctx, m, batch, isa, all)
}

func (a *app) kernelTable(rows []measure.KernelReport) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KERNEL\tFAMILY\tCONSTANTS\tSTATISTICS")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Name, r.Family, constants(r.Spec), statistics(r.Statistics))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.ISA != "" {
			fmt.Fprintf(a.out, "\n%s %s\n%s\n", r.Name, constants(r.Spec), r.ISA)
		}
	}
	return nil
}

func constants(spec map[string]float64) string {
	var parts []string
	for name, x := range spec {
		parts = append(parts, fmt.Sprintf("%s=%g", name, x))
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

func statistics(s map[string]float64) string {
	if len(s) == 0 {
		return "the driver gives none"
	}
	var parts []string
	for name, x := range s {
		parts = append(parts, fmt.Sprintf("%s: %g", name, x))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/engine"
)

func (a *app) devices() *cobra.Command {
	var asJSON, why bool
	c := &cobra.Command{
		Use:   "devices [--why] [--json]",
		Short: "List the Vulkan devices; executes nothing",
		Long: `List the Vulkan devices. Nothing is executed on them. A software device computes on
the CPU. SUBGROUP is how many invocations of a kernel run in step (a warp, a wave; of a
software device the float32 in a vector), FP16 whether --precision fp16 can be had.

With --why it looks for what stands between this program and the machine's GPUs,
part by part: the Vulkan loader, the manifests that tell it of drivers, the
drivers' libraries, the GPUs' nodes in /dev and who may open them. It names what
is wrong and what to do, and ends with exit code 0 where a GPU can be used, and
with 4 where none can, even if a software device can.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if why {
				return a.devicesWhy(c.Context(), asJSON)
			}
			list, err := engine.Devices()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.out, deviceRows(list))
			}
			t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "INDEX\tNAME\tTYPE\tMEMORY\tSUBGROUP\tFP16\tDRIVER\tUUID")
			for _, d := range list {
				fmt.Fprintf(t, "%d\t%s\t%s\t%.1f GB\t%d\t%t\t%s\t%s\n", d.Index, d.Name, d.Type, float64(d.Memory)/1e9, d.Subgroup, d.FP16, d.Driver, d.UUID)
			}
			if err := t.Flush(); err != nil {
				return err
			}
			for _, d := range list {
				if d.Unusable != "" {
					fmt.Fprintf(a.out, "%d, %s, can't be used: it %s.\n", d.Index, d.Name, d.Unusable)
				}
			}
			if !slices.ContainsFunc(list, func(d engine.DeviceInfo) bool { return d.Unusable == "" && d.Type != software }) {
				a.log.Info("no GPU is among them that can be used; crate-vk devices --why looks for what stands in the way")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&why, "why", false, "say what stands in the way of using a GPU, and what to do")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// deviceRow is a device as --json prints it.
type deviceRow struct {
	Index    int    `json:"index"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Driver   string `json:"driver"`
	API      string `json:"api"`
	UUID     string `json:"uuid"`
	Memory   int64  `json:"memory_bytes"`
	Subgroup int    `json:"subgroup"`
	FP16     bool   `json:"fp16"`
	Unusable string `json:"unusable,omitempty"`
}

func deviceRows(list []engine.DeviceInfo) []deviceRow {
	rows := make([]deviceRow, len(list))
	for i, d := range list {
		rows[i] = deviceRow{d.Index, d.Name, d.Type, d.Driver, d.API, d.UUID, d.Memory, d.Subgroup, d.FP16, d.Unusable}
	}
	return rows
}

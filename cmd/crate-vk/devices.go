package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/engine"
)

func (a *app) devices() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "devices [--json]",
		Short: "List the Vulkan devices; executes nothing",
		RunE: func(*cobra.Command, []string) error {
			list, err := engine.Devices()
			if err != nil {
				return err
			}
			if asJSON {
				return a.devicesJSON(list)
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
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) devicesJSON(list []engine.DeviceInfo) error {
	type row struct {
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
	rows := make([]row, len(list))
	for i, d := range list {
		rows[i] = row{d.Index, d.Name, d.Type, d.Driver, d.API, d.UUID, d.Memory, d.Subgroup, d.FP16, d.Unusable}
	}
	return writeJSON(a.out, rows)
}

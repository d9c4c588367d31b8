package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// reportFile is a file that analyze writes.
type reportFile struct {
	name  string
	write func(r *layerReport, w io.Writer) error
}

func reportFiles() []reportFile {
	return []reportFile{
		{outputs.ReportName, func(r *layerReport, w io.Writer) error { return writeJSON(w, r) }},
		{"layers.csv", (*layerReport).csv},
		{outputs.RateChart, func(r *layerReport, w io.Writer) error { c := r.rates(); return c.WriteSVG(w) }},
		{outputs.SparsityChart, func(r *layerReport, w io.Writer) error { c := r.sparsity(); return c.WriteSVG(w) }},
	}
}

// mayReport refuses a folder in which files that are no report of ours have the
// names of one's, or inputs have.
func mayReport(ctx context.Context, dir string, inputs []string) error {
	if dir == "" {
		return nil
	}
	ours := outputs.HoldsReport(ctx, dir)
	for _, f := range reportFiles() {
		path := filepath.Join(dir, f.name)
		if err := cli.NotOver(path, inputs...); err != nil {
			return err
		}
		if _, err := os.Lstat(path); err == nil && !ours {
			return cli.Usage(fmt.Errorf("%s is there already, and no report of crate-vk analyze lies beside it: name another --out", quote.Path(path)))
		}
	}
	return nil
}

// write writes the report's files into a folder.
func (r *layerReport) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return quote.Error(err)
	}
	for _, f := range reportFiles() {
		if f.name == "sparsity.svg" && len(r.sparsity().Lines) == 0 {
			continue
		}
		if err := writeFile(filepath.Join(dir, f.name), func(w io.Writer) error { return f.write(r, w) }); err != nil {
			return err
		}
	}
	return nil
}

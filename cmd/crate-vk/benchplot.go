package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/chart"
	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
)

// geometry is a preset's shape as --depth and --width change it; 0 leaves it.
type geometry struct{ depth, width int }

// geometries are all combinations asked for.
func (f *benchFlags) geometries() ([]geometry, error) {
	list := []geometry{{}}
	for _, axis := range []struct {
		flag   string
		values []int
		set    func(*geometry, int)
	}{
		{"depth", f.depths, func(g *geometry, n int) { g.depth = n }},
		{"width", f.widths, func(g *geometry, n int) { g.width = n }},
	} {
		var next []geometry
		for _, g := range list {
			for _, n := range axis.values {
				if n < 1 {
					return nil, cli.Usage(fmt.Errorf("--%s is %d, want at least 1", axis.flag, n))
				}
				axis.set(&g, n)
				next = append(next, g)
			}
		}
		if next != nil {
			list = next
		}
	}
	return list, nil
}

// reshape is a preset of another depth or width, with heads of the same size.
func (g geometry) reshape(src *engine.ModelSource, name string) (*engine.ModelSource, error) {
	if g == (geometry{}) {
		return src, nil
	}
	if _, err := crate.Preset(name); err != nil {
		return nil, cli.Usage(fmt.Errorf("--depth and --width change presets: %w", err))
	}
	c := src.Config
	size := c.Inner / c.Heads
	if g.depth > 0 {
		c.Depth = g.depth
		name += fmt.Sprint("/depth=", g.depth)
	}
	if g.width > 0 {
		if g.width%size != 0 {
			return nil, cli.Usage(fmt.Errorf("--width is %d, want a multiple of the head's %d", g.width, size))
		}
		c.Hidden = c.Hidden * g.width / c.Dim
		c.Dim, c.Inner, c.Heads = g.width, g.width, g.width/size
		name += fmt.Sprint("/width=", g.width)
	}
	if err := c.Check(); err != nil {
		return nil, cli.Usage(err)
	}
	return engine.NewModelSource(name, c, name, c.RandomParams(1)), nil
}

// plotRow is a row with what a plot has on its horizontal axis.
type plotRow struct {
	benchRow
	tokens, depth, width int
}

// plotAxis is what varies among the rows.
type plotAxis struct {
	name  string
	value func(plotRow) int
}

func plotAxes() []plotAxis {
	return []plotAxis{
		{"tokens", func(r plotRow) int { return r.tokens }},
		{"batch", func(r plotRow) int { return r.Batch }},
		{"depth", func(r plotRow) int { return r.depth }},
		{"width", func(r plotRow) int { return r.width }},
	}
}

// writePlots draws time and memory against each axis along which rows vary.
func writePlots(dir string, rows []plotRow) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	drawn := false
	for _, axis := range plotAxes() {
		lines := along(axis, rows)
		if lines == nil {
			continue
		}
		drawn = true
		time := chart.Lines{Title: "Time by " + axis.name, XLabel: axis.name, YLabel: "ms an image", FromZero: true}
		memory := chart.Lines{Title: "Device memory by " + axis.name, XLabel: axis.name, YLabel: "MB", FromZero: true}
		for _, group := range lines {
			name := nameOf(axis, group[0], rows)
			time.Lines = append(time.Lines, timeLines(axis, name, group)...)
			memory.Lines = append(memory.Lines, memoryLines(axis, name, group)...)
		}
		if err := writeFile(filepath.Join(dir, "time-"+axis.name+".svg"), time.WriteSVG); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, "memory-"+axis.name+".svg"), memory.WriteSVG); err != nil {
			return err
		}
	}
	if !drawn {
		return cli.Usage(fmt.Errorf("--plots has nothing to draw: give several sizes, batches, depths or widths"))
	}
	return nil
}

// along groups rows that differ in an axis alone; groups of one are no line.
func along(axis plotAxis, rows []plotRow) [][]plotRow {
	groups := map[string][]plotRow{}
	var order []string
	for _, r := range rows {
		model, _, _ := strings.Cut(r.Model, "/")
		key := model + " " + r.Precision + " " + r.Readout
		for _, other := range plotAxes() {
			if other.name != axis.name {
				key += " " + strconv.Itoa(other.value(r))
			}
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	var list [][]plotRow
	for _, key := range order {
		g := groups[key]
		slices.SortStableFunc(g, func(a, b plotRow) int { return axis.value(a) - axis.value(b) })
		if axis.value(g[0]) != axis.value(g[len(g)-1]) {
			list = append(list, g)
		}
	}
	return list
}

// nameOf names a group by what sets it apart from the other rows.
func nameOf(axis plotAxis, r plotRow, rows []plotRow) string {
	name, _, _ := strings.Cut(r.Model, "/")
	name = filepath.Base(name)
	for _, other := range plotAxes() {
		varies := slices.ContainsFunc(rows, func(o plotRow) bool { return other.value(o) != other.value(r) })
		if varies && other.name != axis.name {
			name += fmt.Sprintf(" %s=%d", other.name, other.value(r))
		}
	}
	if slices.ContainsFunc(rows, func(o plotRow) bool { return o.Readout != r.Readout }) {
		name += " " + r.Readout
	}
	if slices.ContainsFunc(rows, func(o plotRow) bool { return o.Precision != r.Precision }) {
		name += " " + r.Precision
	}
	return name
}

// timeLines are the median times of a group, with half of p5 … p95 as error
// bars, and beside them the arithmetic, scaled to the first point.
func timeLines(axis plotAxis, name string, group []plotRow) []chart.Line {
	first := group[0]
	measured, arithmetic := chart.Line{Name: name}, chart.Line{Name: name + ", as the arithmetic grows"}
	for _, r := range group {
		x := float64(axis.value(r))
		measured.X, arithmetic.X = append(measured.X, x), append(arithmetic.X, x)
		measured.Y = append(measured.Y, r.PerImage.Median)
		measured.Err = append(measured.Err, min((r.PerImage.P95-r.PerImage.P5)/2, r.PerImage.Median))
		arithmetic.Y = append(arithmetic.Y, first.PerImage.Median*float64(r.FLOPs)/float64(first.FLOPs))
	}
	return []chart.Line{measured, arithmetic}
}

func memoryLines(axis plotAxis, name string, group []plotRow) []chart.Line {
	weights, tensors := chart.Line{Name: name + " weights"}, chart.Line{Name: name + " tensors of a batch"}
	for _, r := range group {
		x := float64(axis.value(r))
		weights.X, tensors.X = append(weights.X, x), append(tensors.X, x)
		weights.Y, tensors.Y = append(weights.Y, float64(r.Weights)/1e6), append(tensors.Y, float64(r.Arena)/1e6)
	}
	return []chart.Line{weights, tensors}
}

package crate

import (
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// Positions says when the position table is resampled (numerics 3).
type Positions string

// The position modes.
const (
	// PositionsExact uses the table as stored at its own grid and resamples it
	// for any other.
	PositionsExact Positions = "exact"
	// PositionsDemo always resamples once, as the published demo does by
	// accident even at its native size.
	PositionsDemo Positions = "demo"
)

// patches is the input cut into patch vectors [B N 3·P²], normalised.
func (b *builder) patches() *graph.Value {
	image := graph.F32Type("B", b.r.Batch, "RGB", 3, "Y", b.r.Height, "X", b.r.Width)
	var x *graph.Value
	if b.r.Normalised {
		x = b.Input(InputName, image)
	} else {
		pixels := b.Input(InputName, graph.Type{DType: graph.U8, Shape: graph.Dims("B", b.r.Batch, "Y", b.r.Height, "X", b.r.Width, "RGB", 3)})
		x = b.Do(graph.OpNormalise, graph.Attrs{"mean": b.c.Mean[:], "std": b.c.Std[:]}, pixels)
	}
	return b.Do(graph.OpPatchify, graph.Attrs{"patch": b.c.Patch}, x)
}

// convolve projects the patches with a convolution whose stride is its side.
func (b *builder) convolve(name string) *graph.Value {
	x, p := b.patches(), b.c.Patch
	kernel := b.param(roleLinear, name+weight, "C", b.c.Dim, "RGB", 3, "Y", p, "X", p)
	return b.Do(graph.OpLinear, nil, x, b.Do(graph.OpConvAsLinear, nil, kernel), b.param(roleBias, name+bias, "R", b.c.Dim))
}

// embed puts prefix tokens in front of the projected patches, in the order of
// their rows, and adds the positions of a table.
func (b *builder) embed(x *graph.Value, table string, prefix ...string) *graph.Value {
	// One at a time, the last one first, so that the class token is row 0.
	for _, token := range slices.Backward(prefix) {
		x = b.Do(graph.OpPrepend, nil, x, b.table(token, "T", 1, "C", b.c.Dim))
	}
	return b.Do(graph.OpAdd, nil, x, b.positions(table))
}

// native reports that a position table is added as it is stored.
func (b *builder) native() bool {
	gh, gw := b.c.Grid()
	return b.r.Height/b.c.Patch == gh && b.r.Width/b.c.Patch == gw && b.r.Positions != PositionsDemo
}

// positions is a table for the requested grid (numerics 3): as stored at its own
// grid, else resampled with σ = (g + 0.1)/g₀ an axis.
func (b *builder) positions(name string) *graph.Value {
	c := b.c
	table := b.table(name, "T", c.tokens(), "C", c.Dim)
	if b.native() {
		return table
	}
	gh, gw := c.Grid()
	th, tw := b.r.Height/c.Patch, b.r.Width/c.Patch
	return b.Do(graph.OpResamplePositions, graph.Attrs{"rows": gh, "columns": gw, "torows": th, "tocolumns": tw, "prefix": c.Prefix,
		"rowscale": (float64(th) + 0.1) / float64(gh), "columnscale": (float64(tw) + 0.1) / float64(gw)}, table)
}

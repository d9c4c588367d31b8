package plan

import (
	"strings"

	"github.com/crate-vk/crate-vk/graph"
)

// Family is a set of kernels that share an activation layout.
type Family string

// The families.
const (
	Lanes Family = "lanes" // CPU devices: k-major tokens, no barriers, shuffles
	Tiles Family = "tiles" // GPUs: row-major tokens, shared-memory tiles
	Plain Family = "plain" // one plain kernel an op, row-major: what the others are compared with
)

// chooseFamily is the static choice by device type.
func chooseFamily(lim Limits) Family {
	if lim.Type == CPU && lim.Shuffle && lim.Subgroup >= 4 && lim.Subgroup <= lim.MaxInvocations {
		return Lanes
	}
	return Tiles
}

// Choices are kernel shapes that replace the static choice. Those that are set
// one by one precede the measured ones.
type Choices struct {
	LaneRows, LaneCols         int    // linear_lanes: rows a workgroup, quads of columns a lane
	LaneQueries, LaneKeys      int    // attend_lanes: queries a lane, keys a step
	Load                       Load   // of both
	Tile                       string // linear_tiles: one of TileNames
	UniformKeys, UniformSplits int    // attend_uniform: keys a step, subgroups that share them

	Tuned map[string]string // a shape by kind, as Shapes and Kind name them
}

// Load is how the lanes kernels read tensors.
type Load string

// The ways to load.
const (
	LoadTexels  Load = "texel"
	LoadStorage Load = "storage"
)

// preferredLoad is the static choice.
func preferredLoad(lim Limits) Load {
	if PrefersTexels(lim) {
		return LoadTexels
	}
	return LoadStorage
}

// lanesLinear is the shape of linear_lanes for a product of rows × nquads.
type lanesLinear struct {
	rows, cols int
	load       Load
}

func (c Choices) lanesLinear(lim Limits, kind string, rows, nquads int) lanesLinear {
	s := lanesLinear{32, 2, preferredLoad(lim)}
	// Two quads a lane are 1.07 to 1.2 times as fast as one (crate-vk tune, S/16
	// and B/8), but for a panel that is left over among few, and where the
	// threads would have too few workgroups to share.
	// There, tiles of twice the rows have as many multiplies a trip: 1.08 to 1.14
	// times as fast on S/16 at 512 bits, where 197 rows are three tiles of 66.
	panels := ceil(nquads, lim.Subgroup)
	switch few := ceil(rows, s.rows)*ceil(panels, 2) < 16; {
	case few:
		s.cols = 1
	case panels%2 == 1 && panels < 16:
		s.cols = 1
		if ceil(rows, 2*s.rows)*panels >= 16 {
			s.rows = 2 * s.rows
		}
	}
	// Where the last of few tiles would be mostly empty, all are a little lower,
	// and where it would have a row or two, all are a little higher: 197 rows are
	// 7 tiles of 29, not of 32. The shape changes no bits.
	tiles := ceil(rows, s.rows)
	if s.rows > 32 && (tiles-1)*(s.rows+s.rows/16) >= rows {
		tiles--
	}
	if tiles*s.rows > rows+rows/12 || tiles*s.rows < rows {
		s.rows = ceil(rows, tiles)
	}
	if a, b, load, ok := c.tuned(kind); ok && a*b <= 128 {
		s = lanesLinear{a, b, load}
	}
	if c.LaneRows > 0 {
		s.rows = c.LaneRows
	}
	if c.LaneCols > 0 {
		s.cols = c.LaneCols
	}
	if c.Load != "" {
		s.load = c.Load
	}
	s.rows = min(s.rows, rows)
	s.cols = min(s.cols, ceil(nquads, lim.Subgroup))
	return s
}

// lanesAttention is the shape of attend_lanes for so many tokens and a head of
// that many quads; ok is false where the unrolled body would be too large to
// compile.
type lanesAttention struct {
	queries, keys int
	load          Load
}

func (c Choices) lanesAttention(lim Limits, kind string, tokens, headQuads int) (s lanesAttention, ok bool) {
	// At 256 bits 3×6 is 1.06 times as fast as 5×4 for each query that there is
	// room for, but leaves other gaps: room for 216 queries where there are 197
	// tokens, not for 200. Narrower devices keep 5×4.
	s = lanesAttention{3, 6, preferredLoad(lim)}
	room := func(queries int) int { return queries * lim.Subgroup * ceil(tokens, queries*lim.Subgroup) }
	if lim.Subgroup >= 16 {
		s.keys = 8
	} else if lim.Subgroup < 8 || 100*room(3) > 106*room(5) {
		s.queries, s.keys = 5, 4
	}
	for s.queries > 1 && s.queries*s.keys*headQuads > 24*16 {
		s.queries--
	}
	if a, b, load, ok := c.tuned(kind); ok && b <= lim.Subgroup && fitsLanes(a, b, headQuads) {
		s = lanesAttention{a, b, load}
	}
	if c.LaneQueries > 0 {
		s.queries = c.LaneQueries
	}
	if c.LaneKeys > 0 {
		s.keys = c.LaneKeys
	}
	if c.Load != "" {
		s.load = c.Load
	}
	s.keys = min(s.keys, lim.Subgroup)
	return s, fitsLanes(s.queries, s.keys, headQuads)
}

// PrefersTexels reports whether inputs should be texel buffers: on llvmpipe before
// Mesa 25 a fetch costs a quarter of a storage-buffer load, which is a loop
// over the lanes there; elsewhere it is the other way round.
func PrefersTexels(lim Limits) bool {
	name := strings.ToLower(lim.Device + " " + lim.Driver)
	return strings.Contains(name, "llvmpipe") && !strings.Contains(name, "mesa 25")
}

// rowPitch is the number of rows to which k-major token tensors are padded: an
// odd multiple of eight, so that neighbouring quads of a row don't fall into
// the same set of a cache whose ways are a power of two.
func rowPitch(rows int) int {
	p := ceil(rows, 8)
	if p%2 == 0 && p > 1 {
		p++
	}
	return 8 * p
}

// storageElem is the element type of token tensors and of the weights of
// products over them.
func storageElem(precision graph.DType) graph.DType {
	if precision == graph.F16 {
		return graph.F16
	}
	return graph.F32
}

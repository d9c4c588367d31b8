package plan

import "fmt"

// tile is a shape of linear_tiles. All have the same BK, so that they agree bit
// for bit: the choice among them may depend on the batch.
type tile struct {
	invocations, bm, bn, bk, tm, tn, lx int

	onRequest bool // never chosen
}

func tiles() []tile {
	return []tile{
		{256, 128, 128, 16, 8, 8, 8, false},
		// Fewer reads of shared memory, but so many registers that wave64
		// devices keep one subgroup in flight, and Mesa 22 spills for gfx11.
		{128, 128, 128, 16, 16, 8, 4, true},
		{128, 64, 128, 16, 8, 8, 8, false},
		{128, 64, 64, 16, 8, 4, 8, false},
		{64, 32, 64, 16, 8, 4, 8, false},
		{64, 32, 32, 16, 4, 4, 8, false},
	}
}

// TileName names the shape of linear_tiles with a tile of bm×bn in a
// workgroup and tm×tn in an invocation.
func TileName(bm, bn, tm, tn int) string { return fmt.Sprintf("%dx%d/%dx%d", bm, bn, tm, tn) }

// TileNames lists the shapes that Choices.Tile may name.
func TileNames() []string {
	var names []string
	for _, t := range tiles() {
		names = append(names, t.name())
	}
	return names
}

func (t tile) name() string { return TileName(t.bm, t.bn, t.tm, t.tn) }

func (t tile) shared() int { return 4 * t.bk * (t.bm + 4 + t.bn) }

func (t tile) fits(lim Limits) bool {
	return t.shared() <= lim.MaxShared && t.invocations <= lim.MaxInvocations
}

// peak is what the tile's inner loop can reach of a compute unit's peak, by
// the model of docs/isa-report.md: a multiply-add of a tm×tn block reads
// 2·(tm + tn)/(tm·tn) bytes of shared memory an operation, a tile
// 2/bm + 2/bn bytes of the second-level cache.
func (t tile) peak(lim Limits) float64 {
	// Bytes an operation: RDNA 3, whose SIMDs issue two multiply-adds at once,
	// and NVIDIA have half of RDNA 2's and GCN's. Of the second level's rate
	// seven tenths are counted on.
	shared, second := 0.5, 0.045
	if lim.WideShared {
		shared, second = 1, 0.07
	}
	// Beside its multiply-adds the loop sums up rows and forms addresses.
	slots := 1 + 2/float64(t.bn) + 10/float64(t.tm*t.tn*t.bk)
	return min(1/slots, shared*float64(t.tm*t.tn)/float64(2*(t.tm+t.tn)), second*float64(t.bm*t.bn)/float64(2*(t.bm+t.bn)))
}

// share estimates what a product of rows × columns reaches of the device's
// peak: tiles that stick out and compute units that wait for the last round
// cost more than the shape of the tile.
func (t tile) share(lim Limits, rows, columns int) float64 {
	// A compute unit is busy with four subgroups: four units of 16 lanes (GCN)
	// or 32 (NVIDIA), or two of 32 lanes with two subgroups each (RDNA).
	const busy = 4
	units := lim.ComputeUnits
	if units == 0 {
		units = 32 // not known: a middling device
	}
	groups := ceil(rows, t.bm) * ceil(columns, t.bn)
	most := ceil(groups, units) // of one unit: the others wait for it
	time := float64(most * t.bm * t.bn)
	if subgroups := most * ceil(t.invocations, max(lim.Subgroup, 1)); subgroups < busy {
		time *= busy / float64(subgroups)
	}
	share := t.peak(lim) * float64(rows*columns) / (float64(units) * time)
	if groups <= units {
		// With one workgroup a unit nothing runs while it waits at a barrier:
		// some 250 clocks of 2,000 for a tile's step. Reckoned, not measured.
		share *= 0.9
	}
	return share
}

// tile chooses the shape for a product of rows × 4·nquads; among equals the
// larger one.
func (c Choices) tile(lim Limits, kind string, rows, nquads int) tile {
	all := tiles()
	best, top := all[len(all)-1], 0.0
	asked := c.Tile
	if asked == "" {
		asked = c.Tuned[kind]
	}
	for _, t := range all {
		if !t.fits(lim) {
			continue
		}
		if t.name() == asked {
			return t
		}
		if s := t.share(lim, rows, 4*nquads); s > top && !t.onRequest {
			best, top = t, s
		}
	}
	return best
}

// uniformAttention is the shape of attend_uniform for a head of that many
// quads; ok is false where no split fits.
type uniformAttention struct{ slice, slices, keys, splits, chunk int }

func (c Choices) uniformAttention(lim Limits, headQuads int) (s uniformAttention, ok bool) {
	if !lim.Ballot {
		return s, false
	}
	// An invocation needs about eight registers a quad. Devices with subgroups
	// of 64 have 256 of them for one subgroup in flight, and one cannot hide
	// the latency of scalar loads: at most 128 then.
	most := 20
	if lim.Subgroup > 32 {
		most = 12
	}
	s = uniformAttention{slices: 1, keys: 8}
	for headQuads%s.slices != 0 || headQuads/s.slices > most {
		s.slices++
	}
	s.slice = headQuads / s.slices
	// Four keys' chunks of four quads are 64 scalar registers. Smaller chunks
	// make newer Mesa spill scalars, which load 16 at a time all the same.
	for s.chunk = 4; s.slice%s.chunk != 0; s.chunk-- {
	}
	if c.UniformKeys > 0 && c.UniformSplits > 0 {
		s.keys, s.splits = c.UniformKeys, c.UniformSplits
		return s, s.fits(lim)
	}
	for s.splits = 4; s.splits >= 1; s.splits /= 2 {
		if s.fits(lim) {
			return s, true
		}
	}
	return s, false
}

// tunedUniform is uniformAttention with the measured shape where there is one.
func (c Choices) tunedUniform(lim Limits, kind string, headQuads int) (s uniformAttention, ok bool) {
	if a, b, _, ok := c.tuned(kind); ok && c.UniformKeys == 0 {
		t := c
		t.UniformKeys, t.UniformSplits = a, b
		if s, ok := t.uniformAttention(lim, headQuads); ok && a%4 == 0 {
			return s, true
		}
	}
	return c.uniformAttention(lim, headQuads)
}

// fits: at most 256 invocations, as in larger workgroups a wave64 device has
// too few registers for each, and spills.
func (s uniformAttention) fits(lim Limits) bool {
	local := lim.Subgroup * s.slices * s.splits
	return local <= min(lim.MaxInvocations, 256) && s.slices*s.splits <= lim.MaxWorkgroupSize[1] && s.shared(lim.Subgroup) <= lim.MaxShared
}

func (s uniformAttention) shared(lanes int) int {
	scores, sums := 0, 0
	if s.slices > 1 {
		scores = 2 * s.splits * s.slices * s.keys
	}
	if s.splits > 1 {
		sums = s.slices * (4*s.slice + 2)
	}
	return 4 * lanes * max(scores, sums, 1)
}

// TileConstants are the specialization constants of a shape of linear_tiles,
// nil where there is none of that name.
func TileConstants(name string) map[string]int {
	for _, t := range tiles() {
		if t.name() == name {
			return map[string]int{"INVOCATIONS": t.invocations, "BM": t.bm, "BN": t.bn, "BK": t.bk, "TM": t.tm, "TN": t.tn, "LX": t.lx}
		}
	}
	return nil
}

// AttentionConstants are those of attend_uniform for a head of that many quads.
func AttentionConstants(lim Limits, headQuads int) (constants map[string]int, ok bool) {
	s, ok := Choices{}.uniformAttention(lim, headQuads)
	return map[string]int{"LANES": lim.Subgroup, "PARTS": s.slices * s.splits, "SLICE": s.slice, "SLICES": s.slices, "KEYS": s.keys, "SPLITS": s.splits, "CHUNK": s.chunk}, ok
}

package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// linearTiles is the product for GPUs: a workgroup computes a tile of bm × bn
// outputs, and both operands pass through shared memory bk channels at a time.
type linearTiles struct{}

func (linearTiles) kernel() string { return "linear_tiles" }

func (f linearTiles) lower(l *lowering, v *graph.Value) bool {
	if l.opt.Family != Tiles {
		return false
	}
	p := l.product(v)
	if l.err != nil {
		return true
	}
	k := l.variant(v, f.kernel(), p.half)
	if p.unsuited() || l.Buffers[p.x].Layout.Order != Rows || !l.usable(k) {
		return false
	}
	t := f.static(l.lim, l.opt.Choices.of(f, v, p.half), p.rows, p.nquads)
	kpadded := ceil(4*p.kquads, t.bk) * t.bk
	w := l.weight(v.Arg("weight"), p.panels(t.bn/4, kpadded))
	e := l.emit(v, k).n("INVOCATIONS", t.invocations).n("BM", t.bm).n("BN", t.bn).n("BK", t.bk).n("TM", t.tm).n("TN", t.tn).n("LX", t.lx)
	columns := 4 * p.kquads
	if p.centred {
		columns = p.k
	}
	e.flag("TAIL", kpadded != columns)
	e.n("kpadded", kpadded).n("kquads", p.kquads).n("nquads", p.nquads).pitch("xpitch", p.x).n("columns", columns)
	l.epilogue(e, p, w)
	e.byRows(p.rows, t.bm, ceil(4*p.nquads, t.bn), 1)
	return true
}

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
		{256, 64, 64, 16, 4, 4, 8, false},
		{64, 32, 32, 16, 4, 4, 8, false},
	}
}

// tileName names the shape with a tile of bm×bn in a workgroup and tm×tn in an
// invocation.
func tileName(bm, bn, tm, tn int) string { return fmt.Sprintf("%dx%d/%dx%d", bm, bn, tm, tn) }

// TileNames lists every shape of linear_tiles, also those that are taken only when
// Choices name them.
func TileNames() []string {
	var names []string
	for _, t := range tiles() {
		names = append(names, t.name())
	}
	return names
}

func (t tile) name() string { return tileName(t.bm, t.bn, t.tm, t.tn) }

func (t tile) shared() int { return 4 * t.bk * (t.bm + 4 + t.bn) }

// fits says that the device can run the tile at all.
func (t tile) fits(lim Limits) bool {
	return t.shared() <= lim.MaxShared && t.invocations <= lim.MaxInvocations && t.invocations <= lim.MaxWorkgroupSize[0]
}

// suits says that the device runs it without spilling registers.
func (t tile) suits(lim Limits) bool {
	return t.fits(lim) && !t.onRequest && t.tm*t.tn <= lim.Processor.Registers().Block
}

// peak is what the tile's inner loop can reach of a compute unit's peak, by
// the model of docs/vendors.md: a multiply-add of a tm×tn block reads
// 2·(tm + tn)/(tm·tn) bytes of shared memory an operation, a tile
// 2/bm + 2/bn bytes of the second-level cache.
func (t tile) peak(lim Limits) float64 {
	// Bytes an operation: RDNA 3, whose SIMDs issue two multiply-adds at once,
	// and NVIDIA have half of RDNA 2's and GCN's. Of the second level's rate
	// seven tenths are counted on.
	shared, second := 0.5, 0.045
	if lim.Processor.Registers().WideShared {
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

// static is the shape of that name, where it fits the device, else the one that
// should be fastest for a product of rows × 4·nquads; among equals the larger.
func (linearTiles) static(lim Limits, asked string, rows, nquads int) tile {
	all := tiles()
	best, top := all[len(all)-1], 0.0
	for _, t := range all {
		if !t.fits(lim) {
			continue
		}
		if t.name() == asked {
			return t
		}
		if s := t.share(lim, rows, 4*nquads); s > top && t.suits(lim) {
			best, top = t, s
		}
	}
	return best
}

func (linearTiles) work(v *graph.Value) string { return productWork(v) }

func (linearTiles) shape(_ *shaders.Variant, c shaders.Values) string {
	return tileName(c("BM"), c("BN"), c("TM"), c("TN"))
}

func (linearTiles) candidates(lim Limits, _ shaders.Values) []string {
	var list []string
	for _, t := range tiles() {
		if t.suits(lim) {
			list = append(list, t.name())
		}
	}
	return list
}

func (linearTiles) rebuild(b *caseBuilder) *graph.Value {
	return rebuildLinear(b, b.rows(b.c("BM")), b.c("BN"))
}

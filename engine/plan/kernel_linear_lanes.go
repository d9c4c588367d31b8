package plan

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// linearLanes is the product for devices whose lanes are a CPU's vector: a
// workgroup of one subgroup computes a block of rows × quads of columns in
// registers; rows are broadcast from lane to lane by shuffles.
type linearLanes struct{}

func (linearLanes) kernel() string { return "linear_lanes" }

func (f linearLanes) lower(l *lowering, v *graph.Value) bool {
	if l.opt.Family != Lanes {
		return false
	}
	p := l.product(v)
	if l.err != nil {
		return true
	}
	if p.unsuited() || l.Buffers[p.x].Layout.Order != Quads {
		return false
	}
	lanes := l.lim.Subgroup
	s := f.static(l.lim, p.rows, p.nquads).choose(l.opt.Choices.of(f, v, p.half), lanes, p.rows, p.nquads)
	lay := p.panels(lanes, 4*p.kquads)
	path := l.loadPath(f, s.load, p.x, p.bias, p.res)
	if !l.texels(lay) {
		path = ""
	}
	k := l.lanesVariant(v, f, p.half, path)
	if !l.usable(k) {
		return false
	}
	w := l.weight(v.Arg("weight"), lay)
	e := l.emit(v, k).n("LANES", lanes).n("ROWS", s.rows).n("COLS", s.cols).flag("TAIL", p.centred && p.k%4 != 0)
	e.n("kquads", p.kquads).n("nquads", p.nquads).pitch("xpitch", p.x).n("columns", p.k)
	l.epilogue(e, p, w)
	e.byRows(p.rows, s.rows, ceil(ceil(p.nquads, lanes), s.cols), 1)
	return true
}

// lanesBlock is a shape of linear_lanes: rows a workgroup, quads of columns a
// lane, and how it loads.
type lanesBlock struct {
	rows, cols int
	load       Load
}

// static is the shape for a product of rows × nquads.
func (linearLanes) static(lim Limits, rows, nquads int) lanesBlock {
	s := lanesBlock{32, 2, preferredLoad(lim)}
	// Two quads a lane are 1.07 to 1.2 times as fast as one (crate-vk tune, S/16
	// and B/8). Not so where one panel is left over among few: its lanes would
	// compute a second quad that is not there. And not where the threads would
	// have too few workgroups to share out.
	// There, tiles of about 48 rows, which share the rows evenly, do more multiplies a
	// trip of the loop: at 512 bits S/16 takes 0.74 (b1) and 0.81 (b8) of the CPU time
	// of tiles of 66, whose fifth fetch a trip brings two rows.
	panels := ceil(nquads, lim.Subgroup)
	switch few := ceil(rows, s.rows)*ceil(panels, 2) < 16; {
	case few:
		s.cols = 1
	case panels%2 == 1 && panels < 16:
		s.cols = 1
		if tiles := (rows + 24) / 48; tiles*panels >= 16 {
			s.rows = ceil(rows, tiles)
		}
	}
	// Where the last of few tiles would be mostly empty, all are a little lower:
	// 197 rows are 7 tiles of 29, not of 32. The shape changes no bits.
	if ceil(rows, s.rows)*s.rows > rows+rows/12 {
		s.rows = evenRows(rows, s.rows)
	}
	return s
}

// evenRows is the height of tiles of at most so many rows that share rows evenly.
func evenRows(rows, most int) int { return ceil(rows, ceil(rows, most)) }

// choose takes the shape of that name where it can be compiled, and cuts it to
// the product.
func (s lanesBlock) choose(name string, lanes, rows, nquads int) lanesBlock {
	if a, b, load, ok := parseShape(name); ok && a*b <= 128 {
		s.rows, s.cols = a, b
		if load != "" {
			s.load = load
		}
	}
	s.rows = min(s.rows, rows)
	s.cols = min(s.cols, ceil(nquads, lanes))
	return s
}

func (linearLanes) work(v *graph.Value) string { return productWork(v) }

func (linearLanes) shape(k *shaders.Variant, c shaders.Values) string {
	return lanesName(c("ROWS"), c("COLS"), k)
}

// candidates are bodies of 256 to 1,536 multiply-adds, which drivers compile
// within a second or so; tiles that share the rows evenly among them where others
// would leave much of the last one empty.
func (linearLanes) candidates(lim Limits, c shaders.Values) []string {
	rows, lanes := c("rows"), c("LANES")
	list := [][2]int{{32, 2}, {48, 1}, {64, 1}, {32, 1}, {24, 2}, {16, 2}, {32, 3}, {48, 2}, {66, 1}}
	for _, most := range []int{64, 48} {
		if even := evenRows(rows, most); even >= 32 && 8*even < 7*most {
			list = slices.Insert(list, 1, [2]int{even, 1})
		}
	}
	if lanes < 16 { // too small a body for more: a sixth slower on all that was measured
		list = append(list, [2]int{16, 4}, [2]int{16, 1})
	}
	panels := ceil(c("nquads"), lanes)
	return lanesShapes(lim, slices.DeleteFunc(list, func(s [2]int) bool { return s[0] > rows || s[1] > panels }))
}

func (linearLanes) rebuild(b *caseBuilder) *graph.Value {
	return rebuildLinear(b, b.rows(b.c("ROWS")), 4*b.c("LANES")*b.c("COLS"))
}

// lanesName names a shape of linear_lanes, rows × quads of columns, or of
// attend_lanes, queries × keys, and how it loads.
func lanesName(a, b int, k *shaders.Variant) string {
	load := LoadStorage
	if k.Has("TEXEL") {
		load = LoadTexels
	}
	return fmt.Sprintf("%dx%d %s", a, b, load)
}

// lanesShapes names shapes with the preferred way to load, and the first one with
// the other way too: where that wins at all it wins by more than shapes differ.
func lanesShapes(lim Limits, list [][2]int) []string {
	var names []string
	for _, s := range list {
		names = append(names, fmt.Sprintf("%dx%d %s", s[0], s[1], preferredLoad(lim)))
	}
	if len(list) > 0 {
		names = slices.Insert(names, 1, fmt.Sprintf("%dx%d %s", list[0][0], list[0][1], otherLoad(lim)))
	}
	return names
}

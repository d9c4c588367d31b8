package plan

import "github.com/crate-vk/crate-vk/graph"

// affinityLanes compares all pairs of rows on devices whose lanes are a CPU's
// vector. A workgroup does the two tiles that lie across the diagonal from each
// other at once.
type affinityLanes struct{}

func (affinityLanes) kernel() string { return "affinity_lanes" }

func (f affinityLanes) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, in := l.result(v), l.Buffers[x].Layout
	k := l.lanesVariant(v, f, false, l.loadPath(f, preferredLoad(l.lim), x))
	if in.Order != Quads || 32%l.lim.Subgroup != 0 || !l.usable(k) {
		return false
	}
	s := v.Shape()
	images, tokens, words := s[0].Size, s[1].Size, s[2].Size
	wide := min(max(l.lim.Subgroup/4, 1), 4) // words a tile: a body of 1,024 multiply-adds
	blocks := ceil(words, wide)
	e := l.emit(v, k).n("LANES", l.lim.Subgroup).n("WORDS", wide)
	e.n("tokens", tokens).n("words", words).n("kquads", in.QuadsPerRow()).n("pitch", in.Pitch).f("tau", v.Float("tau"))
	e.to("f", x).to("bits", y).run(blocks+1, ceil(blocks, 2), images*wide)
	return true
}

func (affinityLanes) rebuild(b *caseBuilder) *graph.Value { return rebuildAffinity(b) }

// rebuildAffinity compares rows enough for more than one word of bits.
func rebuildAffinity(b *caseBuilder) *graph.Value {
	f := b.arg("f", "B", 2, "N", b.rows(35), "C", b.shrunk(b.v.Args[0].Shape().Last()))
	// The operand is float32 at any precision because unit_rows makes it.
	return b.Do(b.v.Op, b.v.Attrs, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0}, f))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

func (l *lowering) unitRows(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	f := l.result(v)
	in, out := l.Buffers[x].Layout, l.Buffers[f].Layout
	if in.Group != out.Group {
		l.fail(v, "the rows are padded by %d channels, the argument's by %d", out.Group, in.Group)
		return
	}
	heads := max(v.Int("heads"), 1)
	lanes, suffix, groups := l.rowGroups(out.Rows)
	e := l.emit(v, "unit_rows", in.Elem == graph.F16, suffix).n("ROW_LANES", lanes)
	e.n("rows", out.Rows).n("tokens", v.Shape()[1].Size).n("prefix", v.Int("prefix")).n("quads", in.QuadsPerRow()/heads)
	e.strides("x", x).strides("f", f).to("x", x).to("f", f).run(groups, heads, 1)
}

// affinityBits compares all pairs of rows. On lanes a workgroup does the two
// tiles that lie across the diagonal from each other at once.
func (l *lowering) affinityBits(v *graph.Value) {
	f := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, in := l.result(v), l.Buffers[f].Layout
	s := v.Shape()
	images, tokens, words := s[0].Size, s[1].Size, s[2].Size
	if path := l.loadPath(preferredLoad(l.lim), f); in.Form == Quads && 32%l.lim.Subgroup == 0 && l.usable("affinity_lanes", false, path) {
		wide := min(max(l.lim.Subgroup/4, 1), 4) // words a tile: a body of 1,024 multiply-adds
		blocks := ceil(words, wide)
		e := l.emit(v, "affinity_lanes", false, path).n("LANES", l.lim.Subgroup).n("WORDS", wide)
		e.n("tokens", tokens).n("words", words).n("kquads", in.QuadsPerRow()).n("pitch", in.Pitch).f("tau", v.Float("tau"))
		e.to("f", f).to("bits", y).run(blocks+1, ceil(blocks, 2), images*wide)
		return
	}
	lanes := l.lanes()
	e := l.emit(v, "affinity_bits", false).n("LANES", lanes).n("tokens", tokens).n("words", words).n("quads", in.QuadsPerRow())
	e.strides("f", f).f("tau", v.Float("tau")).to("f", f).to("bits", y).run(ceil(tokens, lanes), words, images)
}

func (l *lowering) headGram(v *graph.Value) {
	w := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	if l.half(w) {
		l.fail(v, "wants float32, which unit_rows gives in any case")
		return
	}
	y, lanes, s := l.result(v), l.lanes(), v.Args[0].Shape()
	heads := v.Int("heads")
	hq := headQuads(v.Args[0], heads)
	e := l.emit(v, "head_gram", false).n("LANES", lanes).n("tokens", s[1].Size).n("heads", heads).n("headdim", s[2].Size/heads).n("headquads", hq)
	e.strides("w", w).to("w", w).to("g", y).run(ceil(hq*hq, lanes), heads, s[0].Size)
}

func (l *lowering) zeroCount(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, in := l.result(v), l.Buffers[x].Layout
	if in.Group != in.Columns {
		l.fail(v, "counts rows that are padded head by head")
		return
	}
	lanes, suffix, groups := l.rowGroups(in.Rows)
	e := l.emit(v, "zero_count", l.half(x), suffix).n("ROW_LANES", lanes)
	e.n("rows", in.Rows).n("quads", in.QuadsPerRow()).n("columns", in.Columns).strides("x", x).to("x", x).to("r", y).run(groups, 1, 1)
}

package plan

import "github.com/crate-vk/crate-vk/graph"

func (l *lowering) headDots(v *graph.Value) {
	q, k := l.operand(v.Arg("q")), l.operand(v.Arg("k"))
	if l.err != nil {
		return
	}
	s, lanes, heads := l.result(v), l.lanes(), v.Int("heads")
	images, tokens := v.Shape()[0].Size, v.Shape()[2].Size
	e := l.emit(v, "head_dots", l.half(k)).n("LANES", lanes).n("tokens", tokens).n("heads", heads).n("headquads", headQuads(v.Arg("k"), heads))
	e.strides("q", q).strides("k", k).strides("s", s).to("q", q).to("k", k).to("s", s)
	e.run(ceil(ceil(tokens, 4), lanes), heads, images)
}

func (l *lowering) headQuery(v *graph.Value) {
	w, weight := l.operand(v.Arg("w")), v.Arg("weight").Shape()
	if l.err != nil {
		return
	}
	t, lanes, heads := l.result(v), l.lanes(), v.Int("heads")
	u := l.weight(v.Arg("weight"), rowsLayout(graph.F32, weight[0].Size, weight[1].Size, weight[1].Size))
	quads := ceil(weight[1].Size, 4)
	e := l.emit(v, "head_query", false).n("LANES", lanes).n("heads", heads).n("headdim", weight[0].Size/heads)
	e.n("headquads", headQuads(v.Arg("w"), heads)).n("uquads", quads).strides("w", w).strides("t", t).to("w", w).to("u", u).to("t", t)
	e.run(ceil(quads, lanes), heads, v.Shape()[0].Size)
}

// ownScale tells where a head op's row scale comes from: 0 none, 1 its own
// tokens, 2 a buffer.
func (l *lowering) ownScale(v *graph.Value) (mode, buffer, stride int) {
	if _, own := v.Attrs["eps"]; own {
		return 1, -1, 0
	}
	buffer = l.operand(v.Arg("rowscale"))
	if buffer < 0 || l.err != nil {
		return 0, -1, 0
	}
	return 2, buffer, l.Buffers[buffer].Layout.Pitch
}

func (l *lowering) headScores(v *graph.Value) {
	x, t := l.operand(v.Arg("x")), l.operand(v.Arg("t"))
	mode, scale, srow := l.ownScale(v)
	if l.err != nil {
		return
	}
	s, lanes := l.result(v), l.lanes()
	tokens, columns := v.Shape()[2].Size, v.Arg("x").Shape().Last()
	pitch := l.Buffers[s].Layout.Pitch
	e := l.emit(v, "head_scores", l.half(x)).n("LANES", lanes).n("HEADS", v.Shape()[1].Size).n("SCALE", mode)
	e.n("tokens", tokens).n("quads", ceil(columns, 4)).strides("x", x).strides("t", t).n("spitch", pitch).n("srow", srow)
	e.f("inverse", 1/float64(columns)).f("eps", v.Float("eps")).to("x", x).to("t", t).to("s", s).to("scale", scale)
	e.run(ceil(4*pitch, lanes), v.Shape()[0].Size, 1)
}

func (l *lowering) headMix(v *graph.Value) {
	a, x := l.operand(v.Arg("a")), l.operand(v.Arg("x"))
	_, scale, srow := l.ownScale(v)
	if l.err != nil {
		return
	}
	m, lanes := l.result(v), l.lanes()
	quads, heads := ceil(v.Shape().Last(), 4), v.Shape()[1].Size
	// A GPU wants many invocations, a CPU few loads.
	shared := 1
	if l.opt.Family == Lanes {
		shared = mostDividing(heads, 16)
	}
	e := l.emit(v, "head_mix", l.half(x)).n("LANES", lanes).flag("SCALE", scale >= 0).n("HEADS", shared)
	e.n("tokens", v.Arg("x").Shape()[1].Size).n("heads", heads).n("quads", quads)
	e.strides("a", a).strides("x", x).strides("m", m).n("srow", srow).to("a", a).to("x", x).to("m", m).to("scale", scale)
	e.run(ceil(quads, lanes), heads/shared, v.Shape()[0].Size)
}

// mostDividing is the largest divisor of n that is at most limit.
func mostDividing(n, limit int) int {
	for d := min(n, limit); d > 1; d-- {
		if n%d == 0 {
			return d
		}
	}
	return 1
}

func (l *lowering) headProject(v *graph.Value) {
	m, weight, heads := l.operand(v.Arg("m")), v.Arg("weight").Shape(), v.Int("heads")
	if l.err != nil {
		return
	}
	o, lanes := l.result(v), l.lanes()
	out := l.Buffers[o].Layout
	hq := headQuads(v, heads)
	lines := 4 * ceil(weight[1].Size, 4)
	u := l.weight(v.Arg("weight"), Layout{Form: Panels, Elem: graph.F32, Rows: weight[0].Size, Columns: weight[1].Size,
		Group: out.Group, Panel: heads * hq, Lines: lines, LineGroup: weight[1].Size})
	bias := l.weight(v.Arg("bias"), vectorLayout(weight[0].Size, out.Group))
	e := l.emit(v, "head_project", false).n("LANES", lanes).flag("BIAS", bias >= 0)
	e.n("heads", heads).n("headquads", hq).n("mquads", lines/4).strides("m", m).strides("o", o)
	e.to("m", m).to("u", u).to("o", o).to("bias", bias)
	e.run(ceil(heads*hq, lanes), v.Shape()[0].Size, 1)
}

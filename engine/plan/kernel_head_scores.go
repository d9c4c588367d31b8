package plan

import "github.com/crate-vk/crate-vk/graph"

// headScores computes a score a head of each unprojected token, with its row
// scale.
type headScores struct{}

func (headScores) kernel() string { return "head_scores" }

func (f headScores) lower(l *lowering, v *graph.Value) bool {
	x, t := l.operand(v.Arg("x")), l.operand(v.Arg("t"))
	mode, scale, srow := l.ownScale(v)
	if l.err != nil {
		return true
	}
	s, lanes := l.result(v), l.lanes()
	tokens, columns := v.Shape()[2].Size, v.Arg("x").Shape().Last()
	pitch := l.Buffers[s].Layout.Pitch
	e := l.emit(v, l.variant(v, f.kernel(), l.half(x))).n("LANES", lanes).n("HEADS", v.Shape()[1].Size).n("SCALE", mode)
	e.n("tokens", tokens).n("quads", ceil(columns, 4)).strides("x", x).strides("t", t).n("spitch", pitch).n("srow", srow)
	e.n("columns", columns).flag("CENTRED", centredQuery(v.Arg("t")) || l.opt.centred[v.Arg("t")])
	e.f("inverse", 1/float64(columns)).f("eps", v.Float("eps")).to("x", x).to("t", t).to("s", s).to("scale", scale)
	e.run(ceil(4*pitch, lanes), v.Shape()[0].Size, 1)
	return true
}

// centredQuery reports that the channels of t's rows add up to zero, because t is
// made of rows that do.
func centredQuery(t *graph.Value) bool {
	return t.Op == graph.OpHeadQuery && graph.Centred(t.Arg("weight"))
}

func (headScores) rebuild(b *caseBuilder) *graph.Value {
	v, n := b.v, b.rows(8)
	c, heads := b.shrunk(v.Arg("x").Shape().Last()), v.Shape()[1].Size
	x := b.arg("x", "B", 2, "N", n, "C", c)
	t := b.arg("t", "B", 2, "H", heads, "C", c)
	if centredQuery(v.Arg("t")) {
		b.centred[t] = true
	}
	return b.Do(v.Op, v.Attrs, x, t, b.arg("rowscale", "B", 2, "N", n, "one", 1))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// headQuery takes a projected row back through each head's part of the
// projection, so that scores can be had from unprojected tokens.
type headQuery struct{}

func (headQuery) kernel() string { return "head_query" }

func (f headQuery) lower(l *lowering, v *graph.Value) bool {
	w, weight := l.operand(v.Arg("w")), v.Arg("weight").Shape()
	if l.err != nil {
		return true
	}
	t, lanes, heads := l.result(v), l.lanes(), v.Int("heads")
	u := l.weight(v.Arg("weight"), rowsLayout(graph.F32, weight[0].Size, weight[1].Size, weight[1].Size))
	quads := ceil(weight[1].Size, 4)
	e := l.emit(v, l.variant(v, f.kernel(), false)).n("LANES", lanes).n("heads", heads).n("headdim", weight[0].Size/heads)
	e.n("headquads", headQuads(v.Arg("w"), heads)).n("uquads", quads).strides("w", w).strides("t", t).to("w", w).to("u", u).to("t", t)
	e.run(ceil(quads, lanes), heads, v.Shape()[0].Size)
	return true
}

func (headQuery) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	r := v.Arg("w").Shape().Last() / v.Int("heads") * 2
	c := b.shrunk(v.Shape().Last())
	return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("w", "B", 2, "C", r), b.arg("weight", "R", r, "K", c))
}

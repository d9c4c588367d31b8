package plan

import "github.com/crate-vk/crate-vk/graph"

// meanRows is the mean of each image's tokens from a row on.
type meanRows struct{}

func (meanRows) kernel() string { return "mean_rows" }

func (f meanRows) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes, s, first := l.result(v), l.lanes(), v.Args[0].Shape(), v.Int("first")
	quads := l.Buffers[y].Layout.QuadsPerRow()
	e := l.emit(v, l.variant(v, f.kernel(), l.half(x))).n("LANES", lanes).n("tokens", s[1].Size).n("first", first).n("quads", quads)
	e.f("inverse", 1/float64(s[1].Size-first))
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).run(ceil(quads, lanes), s[0].Size, 1)
	return true
}

func (meanRows) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	first := min(v.Int("first"), 2)
	return b.Do(v.Op, graph.Attrs{"first": first}, b.arg("x", "B", 2, "N", first+b.rows(1), "C", b.shrunk(v.Shape().Last())))
}

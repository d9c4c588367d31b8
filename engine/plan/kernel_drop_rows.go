package plan

import "github.com/crate-vk/crate-vk/graph"

// dropRows copies each image's tokens from a row on.
type dropRows struct{}

func (dropRows) kernel() string { return "drop_rows" }

func (f dropRows) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes := l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	e := l.emit(v, l.variant(v, f.kernel(), l.half(x))).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("first", v.Int("first"))
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).spread(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 0)
	return true
}

func (dropRows) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	first := min(v.Int("first"), 2)
	return b.Do(v.Op, graph.Attrs{"first": first}, b.arg("x", "B", 2, "N", first+b.rows(1), "C", b.shrunk(v.Shape().Last())))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// softmax is softmax(scale·a) of each row.
type softmax struct{}

func (softmax) kernel() string { return "softmax" }

func (f softmax) lower(l *lowering, v *graph.Value) bool {
	a := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y := l.result(v)
	lay := l.Buffers[a].Layout
	if lay != l.Buffers[y].Layout {
		l.fail(v, "the result lies as %v, the argument as %v", l.Buffers[y].Layout, lay)
		return true
	}
	k, lanes, each := l.rowVariant(v, f, false)
	e := l.emit(v, k).n("ROW_LANES", lanes)
	e.n("rows", lay.Rows).n("quads", lay.QuadsPerRow()).n("columns", lay.Columns).strides("", a).f("scale", exp2Scale(v))
	e.to("a", a).to("y", y).spread(ceil(lay.Rows, each), 1, 0)
	return true
}

func (softmax) rebuild(b *caseBuilder) *graph.Value {
	return b.Do(b.v.Op, b.v.Attrs, b.arg("a", "B", 2, "H", 3, "keys", b.rows(8)))
}

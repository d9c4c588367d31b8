package plan

import "github.com/crate-vk/crate-vk/graph"

// zeroCount counts the channels of each token that are exactly zero.
type zeroCount struct{}

func (zeroCount) kernel() string { return "zero_count" }

func (f zeroCount) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, in := l.result(v), l.Buffers[x].Layout
	if in.Group != in.Columns {
		l.fail(v, "counts rows that are padded head by head")
		return true
	}
	k, lanes, each := l.rowVariant(v, f, l.half(x))
	e := l.emit(v, k).n("ROW_LANES", lanes)
	e.n("quads", in.QuadsPerRow()).n("columns", in.Columns).strides("x", x).to("x", x).to("r", y).byRows(in.Rows, each, 1, 0)
	return true
}

func (zeroCount) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	x := b.arg("x", "B", 2, "N", b.rows(8), "C", b.shrunk(v.Args[0].Shape().Last()))
	return b.Do(v.Op, nil, b.Do(graph.OpReLU, nil, x))
}

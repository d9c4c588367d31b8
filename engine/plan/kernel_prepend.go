package plan

import "github.com/crate-vk/crate-vk/graph"

// prepend puts prefix tokens before the tokens of each image.
type prepend struct{}

func (prepend) kernel() string { return "prepend" }

func (f prepend) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Arg("x"))
	if l.err != nil {
		return true
	}
	y, lanes := l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	t := l.weight(v.Arg("tokens"), l.like(v.Arg("tokens"), lay))
	e := l.emit(v, l.variant(v, f.kernel(), l.half(y))).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("prefix", v.Arg("tokens").Shape()[0].Size)
	e.strides("x", x).strides("t", t).strides("y", y).to("x", x).to("prefix", t).to("y", y)
	e.spread(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 0)
	return true
}

func (prepend) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	return b.Do(v.Op, nil, b.arg("x", "B", 2, "N", b.rows(4), "C", 10), b.arg("tokens", "T", v.Arg("tokens").Shape()[0].Size, "C", 10))
}

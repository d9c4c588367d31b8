package plan

import "github.com/crate-vk/crate-vk/graph"

// selectRow copies one row of each image's tokens.
type selectRow struct{}

func (selectRow) kernel() string { return "select" }

func (f selectRow) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes, s := l.result(v), l.lanes(), v.Args[0].Shape()
	quads := l.Buffers[y].Layout.QuadsPerRow()
	if in := l.Buffers[x].Layout; in.Group != l.Buffers[y].Layout.Group {
		l.fail(v, "the row is padded by %d channels, the tokens by %d", l.Buffers[y].Layout.Group, in.Group)
	}
	row := v.Int("row")
	if s[0].Size == 1 {
		part, first := l.part(x, row)
		x, row = part, row-first
	}
	e := l.emit(v, l.variant(v, f.kernel(), l.half(x))).n("LANES", lanes).n("tokens", s[1].Size).n("row", row).n("quads", quads)
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).run(ceil(quads, lanes), s[0].Size, 1)
	return true
}

func (selectRow) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	x := b.arg("x", "B", 2, "N", b.rows(1), "C", b.shrunk(v.Shape().Last()))
	return b.Do(v.Op, graph.Attrs{"row": min(v.Int("row"), 1)}, x)
}

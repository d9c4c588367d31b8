package plan

import "github.com/crate-vk/crate-vk/graph"

// embed adds a table of positions to patches, standardised or not, behind the
// rows of the prefix tokens.
type embed struct{}

func (embed) kernel() string { return "embed" }

func (f embed) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Arg("x"))
	if l.err != nil {
		return true
	}
	y := l.result(v)
	lay, s := l.Buffers[y].Layout, v.Shape()
	table := l.weight(v.Arg("table"), l.like(v.Arg("table"), lay))
	gain := l.weight(v.Arg("gain"), vectorLayout(s.Last(), s.Last()))
	_, norm := v.Attrs["eps"]
	k, lanes, each := l.rowVariant(v, f, l.half(y))
	e := l.emit(v, k).n("ROW_LANES", lanes).flag("NORM", norm).flag("GAIN", gain >= 0)
	e.n("rows", lay.Rows).n("tokens", s[1].Size).n("prefix", s[1].Size-v.Arg("x").Shape()[1].Size).n("quads", lay.QuadsPerRow()).n("columns", s.Last())
	e.strides("x", x).strides("t", table).strides("y", y).f("eps", v.Float("eps"))
	e.to("x", x).to("table", table).to("y", y).to("gain", gain).spread(ceil(lay.Rows, each), 1, 0)
	return true
}

func (embed) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	n, k := b.rows(4), v.Arg("table").Shape()[0].Size-v.Arg("x").Shape()[1].Size
	c := b.shrunk(v.Shape().Last())
	return b.Do(v.Op, v.Attrs, b.arg("x", "B", 2, "N", n, "C", c), b.arg("table", "T", n+k, "C", c), b.arg("gain", "C", c))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// unitRows scales each token, or each head's part of it, to length 1.
type unitRows struct{}

func (unitRows) kernel() string { return "unit_rows" }

func (form unitRows) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	f := l.result(v)
	in, out := l.Buffers[x].Layout, l.Buffers[f].Layout
	if in.Group != out.Group {
		l.fail(v, "the rows are padded by %d channels, the argument's by %d", out.Group, in.Group)
		return true
	}
	heads := max(v.Int("heads"), 1)
	k, lanes, each := l.rowVariant(v, form, in.Elem == graph.F16)
	e := l.emit(v, k).n("ROW_LANES", lanes)
	e.n("rows", out.Rows).n("tokens", v.Shape()[1].Size).n("prefix", v.Int("prefix")).n("quads", in.QuadsPerRow()/heads)
	e.strides("x", x).strides("f", f).to("x", x).to("f", f)
	if v.Int("prefix") == 0 {
		e.byRows(out.Rows, each, heads, 0)
	} else { // a row has to know its number
		e.n("rows", out.Rows).spread(ceil(out.Rows, each), heads, 0)
	}
	return true
}

func (unitRows) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	k, heads := v.Int("prefix"), v.Heads()
	c := v.Shape().Last() / heads * min(heads, 2)
	attrs := graph.Attrs{"prefix": k}
	if heads > 1 {
		attrs["heads"] = 2
	}
	return b.Do(v.Op, attrs, b.arg("x", "B", 2, "N", b.rows(8)+k, "C", c))
}

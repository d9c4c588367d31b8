package plan

import "github.com/crate-vk/crate-vk/graph"

// layerNorm normalises rows, with or without gain and bias, or writes only the
// scale of each row.
type layerNorm struct {
	mode int // layernorm.comp's: 0 with gain and bias, 1 without, 2 the scale alone
}

func (layerNorm) kernel() string { return "layernorm" }

func (f layerNorm) lower(l *lowering, v *graph.Value) bool {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, in := l.result(v), l.Buffers[x].Layout
	gain, bias := -1, -1
	if f.mode == 0 {
		gain = l.weight(v.Arg("gain"), vectorLayout(in.Columns, in.Columns))
		bias = l.weight(v.Arg("bias"), vectorLayout(in.Columns, in.Columns))
	}
	if in.Group != in.Columns {
		l.fail(v, "normalises rows that are padded head by head")
	}
	normed, scale := y, -1
	if f.mode == 2 {
		normed, scale = -1, y
	}
	k, lanes, each := l.rowVariant(v, f, l.half(x))
	e := l.emit(v, k).n("ROW_LANES", lanes).n("MODE", f.mode)
	e.n("quads", in.QuadsPerRow()).n("columns", in.Columns).strides("x", x).strides("y", normed).f("eps", v.Float("eps"))
	e.to("x", x).to("y", normed).to("gain", gain).to("bias", bias).to("r", scale).byRows(in.Rows, each, 1, 0)
	return true
}

func (layerNorm) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	c := b.shrunk(v.Args[0].Shape().Last())
	args := []*graph.Value{b.tokens("x", v.Args[0], b.rows(8), c)}
	if v.Op == graph.OpLayerNorm {
		args = append(args, b.arg("gain", "C", c), b.arg("bias", "C", c))
	}
	return b.Do(v.Op, v.Attrs, args...)
}

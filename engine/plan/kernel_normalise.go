package plan

import "github.com/crate-vk/crate-vk/graph"

// normalise turns 8-bit pixels into a normalised image.
type normalise struct{}

func (normalise) kernel() string { return "normalise" }

func (f normalise) lower(l *lowering, v *graph.Value) bool {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	s, y, lanes := v.Shape(), l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	e := l.emit(v, l.variant(v, f.kernel(), false)).n("LANES", lanes).n("width", s[3].Size).n("height", s[2].Size).n("pitch", lay.Pitch).n("lines", lay.Rows)
	e.statistics(v).to("pixels", in).to("y", y).spread(ceil(lay.Pitch, lanes), lay.Rows, 1)
	return true
}

func (normalise) rebuild(b *caseBuilder) *graph.Value {
	pixels := graph.Type{DType: graph.U8, Shape: graph.Dims("B", 2, "Y", 8, "X", 12+4*(b.size.Rows%5), "RGB", 3)}
	return b.Do(b.v.Op, b.v.Attrs, b.fresh("pixels", pixels))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// headGram is the Gram matrix of each head's channels.
type headGram struct{}

func (headGram) kernel() string { return "head_gram" }

func (f headGram) lower(l *lowering, v *graph.Value) bool {
	w := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	if l.half(w) {
		l.fail(v, "wants float32, which unit_rows gives in any case")
		return true
	}
	y, lanes, s := l.result(v), l.lanes(), v.Args[0].Shape()
	heads := v.Int("heads")
	hq := headQuads(v.Args[0], heads)
	e := l.emit(v, l.variant(v, f.kernel(), false)).n("LANES", lanes).n("tokens", s[1].Size).n("heads", heads).n("headdim", s[2].Size/heads).n("headquads", hq)
	e.strides("w", w).to("w", w).to("g", y).run(ceil(hq*hq, lanes), heads, s[0].Size)
	return true
}

func (headGram) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	w := b.arg("w", "B", 2, "N", b.rows(8), "C", v.Args[0].Shape().Last()/v.Int("heads")*2)
	// The operand is float32 at any precision because unit_rows makes it.
	unit := b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0, "heads": 2}, w)
	return b.Do(v.Op, graph.Attrs{"heads": 2}, unit)
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// headDots computes one query row an image with all keys, head by head.
type headDots struct{}

func (headDots) kernel() string { return "head_dots" }

func (f headDots) lower(l *lowering, v *graph.Value) bool {
	q, k := l.operand(v.Arg("q")), l.operand(v.Arg("k"))
	if l.err != nil {
		return true
	}
	s, lanes, heads := l.result(v), l.lanes(), v.Int("heads")
	images, tokens := v.Shape()[0].Size, v.Shape()[2].Size
	e := l.emit(v, l.variant(v, f.kernel(), l.half(k))).n("LANES", lanes).n("tokens", tokens).n("heads", heads).n("headquads", headQuads(v.Arg("k"), heads))
	e.strides("q", q).strides("k", k).strides("s", s).to("q", q).to("k", k).to("s", s)
	e.run(ceil(ceil(tokens, 4), lanes), heads, images)
	return true
}

func (headDots) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	c := v.Args[1].Shape().Last() / v.Int("heads") * 2
	return b.Do(v.Op, graph.Attrs{"heads": 2}, b.arg("q", "B", 2, "C", c), b.arg("k", "B", 2, "N", b.rows(8), "C", c))
}

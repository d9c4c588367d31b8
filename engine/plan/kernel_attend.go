package plan

import "github.com/crate-vk/crate-vk/graph"

// attendPlain is attention with one invocation a query and eight quads of a
// head: it takes any layout, and is what the other forms are compared with.
type attendPlain struct{}

func (attendPlain) kernel() string { return "attend" }

func (f attendPlain) lower(l *lowering, v *graph.Value) bool {
	a := l.attention(v)
	if l.err != nil {
		return true
	}
	lanes := l.lanes()
	e := l.emit(v, l.variant(v, f.kernel(), a.half)).n("LANES", lanes).n("tokens", a.tokens).n("headquads", a.quads)
	e.strides("q", a.q).strides("k", a.k).strides("o", a.o).f("scale", exp2Scale(v))
	e.to("q", a.q).to("k", a.k).to("v", a.v).to("o", a.o)
	e.run(ceil(a.tokens, lanes), a.heads*ceil(a.quads, 8), a.images)
	return true
}

func (attendPlain) rebuild(b *caseBuilder) *graph.Value {
	return rebuildAttention(b, b.rows(max(b.c("LANES")/2, 4)))
}

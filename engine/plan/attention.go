package plan

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// attention is an attention as every form of it needs it: mssa, where query, key
// and value are one projection, or mhsa.
type attention struct {
	q, k, v, o            int // buffers
	images, tokens, heads int
	quads                 int // of one head
	in, out               Layout
	tied                  bool // key and value are the same
	half                  bool
}

func (l *lowering) attention(v *graph.Value) attention {
	q := v.Args[0]
	k, val := q, q
	if v.Op == graph.OpMHSA {
		k, val = v.Args[1], v.Args[2]
	}
	a := attention{q: l.operand(q), k: l.operand(k), v: l.operand(val), images: q.Shape()[0].Size, tokens: q.Shape()[1].Size, heads: v.Int("heads"), tied: k == val}
	if l.err != nil {
		return a
	}
	a.o = l.result(v)
	a.quads = headQuads(v, a.heads)
	a.in, a.out = l.Buffers[a.q].Layout, l.Buffers[a.o].Layout
	a.half = a.in.Elem == graph.F16
	if l.Buffers[a.k].Layout != a.in || l.Buffers[a.v].Layout != a.in {
		l.fail(v, "query, key and value lie differently: %v, %v, %v", a.in, l.Buffers[a.k].Layout, l.Buffers[a.v].Layout)
	}
	return a
}

// common sets what the fast forms share. zero is a number that the compiler
// can't know: it keeps two reads of one key apart.
func (a attention) common(e *emission) {
	e.flag("TIED", a.tied).n("tokens", a.tokens).n("pitch", a.in.Pitch).n("opitch", a.out.Pitch).f("scale", exp2Scale(e.v)).n("zero", 0)
	value := a.v
	if a.tied {
		value = -1
	}
	e.to("q", a.q).to("k", a.k).to("v", value).to("o", a.o)
}

// headQuads is the number of quads of one head of v.
func headQuads(v *graph.Value, heads int) int { return ceil(v.Shape().Last()/heads, 4) }

// exp2Scale is the factor of scores inside kernels, which use exp2.
func exp2Scale(v *graph.Value) float64 { return v.Float("scale") * math.Log2E }

// rebuildAttention is an attention of two heads of the same size over a few
// tokens.
func rebuildAttention(b *caseBuilder, tokens int) *graph.Value {
	v := b.v
	p := v.Args[0].Shape().Last() / v.Int("heads")
	attrs := graph.Attrs{"heads": 2, "scale": v.Float("scale")}
	made := map[*graph.Value]*graph.Value{}
	var args []*graph.Value
	for _, a := range v.Args {
		if made[a] == nil {
			made[a] = b.stand("w", a, graph.F32Type("B", 2, "N", tokens, "C", 2*p))
		}
		args = append(args, made[a])
	}
	return b.Do(v.Op, attrs, args...)
}

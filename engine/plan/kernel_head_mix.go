package plan

import "github.com/crate-vk/crate-vk/graph"

// headMix is the mean of unprojected tokens under each head's weights.
type headMix struct{}

func (headMix) kernel() string { return "head_mix" }

func (f headMix) lower(l *lowering, v *graph.Value) bool {
	a, x := l.operand(v.Arg("a")), l.operand(v.Arg("x"))
	_, scale, srow := l.ownScale(v)
	if l.err != nil {
		return true
	}
	m, lanes := l.result(v), l.lanes()
	quads, heads := ceil(v.Shape().Last(), 4), v.Shape()[1].Size
	// A GPU wants many invocations, a CPU few loads.
	shared := 1
	if l.opt.Family == Lanes {
		shared = mostDividing(heads, 16)
	}
	e := l.emit(v, l.variant(v, f.kernel(), l.half(x))).n("LANES", lanes).flag("SCALE", scale >= 0).n("HEADS", shared)
	e.n("tokens", v.Arg("x").Shape()[1].Size).n("heads", heads).n("quads", quads)
	e.strides("a", a).strides("x", x).strides("m", m).n("srow", srow).to("a", a).to("x", x).to("m", m).to("scale", scale)
	e.run(ceil(quads, lanes), heads/shared, v.Shape()[0].Size)
	return true
}

// mostDividing is the largest divisor of n that is at most limit.
func mostDividing(n, limit int) int {
	for d := min(n, limit); d > 1; d-- {
		if n%d == 0 {
			return d
		}
	}
	return 1
}

func (headMix) rebuild(b *caseBuilder) *graph.Value {
	v, n := b.v, b.rows(8)
	c := b.shrunk(v.Shape().Last())
	return b.Do(v.Op, nil, b.arg("a", "B", 2, "H", v.Shape()[1].Size, "keys", n), b.arg("x", "B", 2, "N", n, "C", c), b.arg("rowscale", "B", 2, "N", n, "one", 1))
}

package plan

import "github.com/crate-vk/crate-vk/graph"

// linearPlain is the product with one invocation a row and quad of columns: it
// takes any layout and any row scale, and is what the other forms are compared
// with.
type linearPlain struct{}

func (linearPlain) kernel() string { return "linear" }

func (f linearPlain) lower(l *lowering, v *graph.Value) bool {
	p := l.product(v)
	scale := l.operand(v.Arg("rowscale"))
	if l.err != nil {
		return true
	}
	mode, srow := 0, 0
	if p.own {
		mode = 1
	}
	if p.scaled {
		mode, srow = 2, l.Buffers[scale].Layout.Pitch
	}
	lanes := l.lanes()
	w := l.weight(v.Arg("weight"), p.panels(p.nquads, 4*p.kquads))
	e := l.emit(v, l.variant(v, f.kernel(), p.half))
	e.n("LANES", lanes).n("SCALE", mode).flag("BIAS", p.bias >= 0).flag("RESIDUAL", p.res >= 0).n("ACT", actCode(v.Str("act"))).flag("CENTRED", p.centred)
	e.n("kquads", p.kquads).n("nquads", p.nquads).n("columns", p.k)
	e.strides("x", p.x).strides("y", p.y).strides("r", p.res).n("srow", srow)
	e.f("eps", p.eps).f("threshold", v.Float("threshold"))
	e.to("x", p.x).to("w", w).to("y", p.y).to("bias", p.bias).to("residual", p.res).to("scale", scale)
	e.byRows(p.rows, lanes, p.nquads, 0)
	return true
}

func (linearPlain) rebuild(b *caseBuilder) *graph.Value { return rebuildLinear(b, b.rows(1), 4) }

package plan

import "github.com/crate-vk/crate-vk/graph"

// product is a matrix product as every form of linear needs it: buffers, sizes,
// and what stands beside the product itself.
type product struct {
	v                 *graph.Value
	x, y, bias, res   int // buffers; −1 where absent
	rows, k           int
	kquads, nquads    int // quads of a row of x and of y, padding included
	kgroup, ngroup    int // channels that are padded together
	own, scaled, half bool
	centred           bool // the weight's rows add up to zero, and x is padded at its end alone
	eps               float64
}

// product reads a linear. own says that rows are scaled by their own deviation,
// scaled that the scale is an argument.
func (l *lowering) product(v *graph.Value) product {
	x, w := v.Arg("x"), v.Arg("weight")
	p := product{v: v, x: l.operand(x), res: l.operand(v.Arg("residual")), rows: x.Shape().Rows(), k: x.Shape().Last()}
	if l.err != nil {
		return p
	}
	p.y = l.result(v)
	out, in := l.Buffers[p.y].Layout, l.Buffers[p.x].Layout
	p.kquads, p.nquads, p.kgroup, p.ngroup = in.QuadsPerRow(), out.QuadsPerRow(), in.Group, out.Group
	p.bias = l.weight(v.Arg("bias"), vectorLayout(w.Shape()[0].Size, p.ngroup))
	p.eps = v.Float("eps")
	_, p.own = v.Attrs["eps"]
	p.scaled = v.Arg("rowscale") != nil
	p.half = in.Elem == graph.F16
	p.centred = graph.Centred(w) && p.kgroup == p.k
	if p.res >= 0 && l.Buffers[p.res].Layout != out {
		l.fail(v, "the residual lies as %v, the result as %v", l.Buffers[p.res].Layout, out)
	}
	if in.Elem != out.Elem {
		l.fail(v, "reads %v and writes %v", in.Elem, out.Elem)
	}
	if p.own && p.kgroup != p.k {
		l.fail(v, "normalises rows that are padded head by head")
	}
	return p
}

// panels is a weight's layout in column panels.
func (p *product) panels(panel, lines int) Layout {
	elem := graph.F32
	if p.half {
		elem = graph.F16
	}
	w := p.v.Arg("weight").Shape()
	return Layout{Order: Panels, Elem: elem, Rows: w[0].Size, Columns: w[1].Size, Group: p.ngroup, Panel: panel, Lines: lines, LineGroup: p.kgroup}
}

// unsuited reports a product that the fast forms leave to the plain one: its row
// scale is an argument, or taken from rows whose mean they can't take off.
func (p *product) unsuited() bool { return p.scaled || p.own && !p.centred }

// epilogue sets what the fast products share: scale, bias, residual,
// activation, output.
func (l *lowering) epilogue(e *emission, p product, w int) {
	e.flag("NORM", p.own).flag("CENTRED", p.centred).flag("BIAS", p.bias >= 0).flag("RESIDUAL", p.res >= 0).n("ACT", actCode(p.v.Str("act")))
	e.pitch("ypitch", p.y).pitch("rpitch", p.res)
	e.f("inverse", 1/float64(p.k)).f("eps", p.eps).f("threshold", p.v.Float("threshold"))
	e.to("x", p.x).to("w", w).to("y", p.y).to("bias", p.bias).to("residual", p.res)
}

// actCode is the activation's number in lib/activation.glsl.
func actCode(act string) int {
	switch act {
	case graph.ActReLU:
		return 1
	case graph.ActGELU:
		return 2
	case graph.ActSoft:
		return 3
	}
	return 0
}

// rebuildLinear is a linear over so many rows, with columns outputs or a few
// more: where the channels of the dispatch's operand or result are padded head
// by head, so are the copy's.
func rebuildLinear(b *caseBuilder, rows, columns int) *graph.Value {
	v := b.v
	k, kgroup := b.channels(v.Arg("x"))
	n, ngroup := b.atLeast(v, columns+5+b.size.Extra)
	x := b.tokens("x", v.Arg("x"), rows, k)
	b.pad(x, kgroup)
	var scale, residual *graph.Value
	if v.Arg("rowscale") != nil {
		if scale = b.arg("rowscale", "B", 1, "N", rows, "one", 1); len(v.Shape()) == 2 {
			scale = b.arg("rowscale", "B", rows, "one", 1)
		}
	}
	if v.Arg("residual") != nil {
		residual = b.tokens("residual", v.Arg("residual"), rows, n)
		b.pad(residual, ngroup)
	}
	w := b.arg("weight", "R", n, "K", k)
	if graph.Centred(v.Arg("weight")) {
		w = b.Do(graph.OpCentre, nil, w)
	}
	y := b.Do(v.Op, v.Attrs, x, w, b.arg("bias", "R", n), scale, residual)
	b.pad(y, ngroup)
	return y
}

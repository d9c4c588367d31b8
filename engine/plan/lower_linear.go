package plan

import "github.com/crate-vk/crate-vk/graph"

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

// product is what all forms of linear need to know.
type product struct {
	v                *graph.Value
	x, y, bias, res  int // buffers
	rows, k          int
	kquads, nquads   int
	kgroup, ngroup   int
	own, scaled, f16 bool // row scale from x itself; from an argument
	eps              float64
}

func (l *lowering) linear(v *graph.Value) {
	x, w := v.Arg("x"), v.Arg("weight")
	p := product{v: v, x: l.operand(x), res: l.operand(v.Arg("residual")), rows: x.Shape().Rows(), k: x.Shape().Last()}
	if l.err != nil {
		return
	}
	p.y = l.result(v)
	out, in := l.Buffers[p.y].Layout, l.Buffers[p.x].Layout
	p.kquads, p.nquads, p.kgroup, p.ngroup = in.QuadsPerRow(), out.QuadsPerRow(), in.Group, out.Group
	p.bias = l.weight(v.Arg("bias"), vectorLayout(w.Shape()[0].Size, p.ngroup))
	p.eps = v.Float("eps")
	_, p.own = v.Attrs["eps"]
	p.scaled = v.Arg("rowscale") != nil
	p.f16 = in.Elem == graph.F16
	if p.res >= 0 && l.Buffers[p.res].Layout != out {
		l.fail(v, "the residual lies as %v, the result as %v", l.Buffers[p.res].Layout, out)
	}
	if in.Elem != out.Elem {
		l.fail(v, "reads %v and writes %v", in.Elem, out.Elem)
	}
	if p.own && p.kgroup != p.k {
		l.fail(v, "normalises rows that are padded head by head")
	}
	switch {
	case l.opt.Family == Lanes && !p.scaled && in.Form == Quads && l.linearLanes(p):
	case l.opt.Family == Tiles && !p.scaled && in.Form == Rows && l.usable("linear_tiles", p.f16):
		l.linearTiles(p)
	default:
		l.linearPlain(p)
	}
}

// panels is a weight's layout in column panels.
func (p *product) panels(panel, lines int) Layout {
	elem := graph.F32
	if p.f16 {
		elem = graph.F16
	}
	w := p.v.Arg("weight").Shape()
	return Layout{Form: Panels, Elem: elem, Rows: w[0].Size, Columns: w[1].Size, Group: p.ngroup, Panel: panel, Lines: lines, LineGroup: p.kgroup}
}

// linearLanes reports false where its kernel is disabled.
func (l *lowering) linearLanes(p product) bool {
	lanes := l.lim.Subgroup
	shape := l.opt.Choices.lanesLinear(l.lim, kindOf("linear_lanes", p.v, p.f16), p.rows, p.nquads)
	lay := p.panels(lanes, 4*p.kquads)
	path := l.loadPath(shape.load, p.x, p.bias, p.res)
	if !l.texels(lay) {
		path = ""
	}
	if !l.usable("linear_lanes", p.f16, path) {
		return false
	}
	panels := ceil(p.nquads, lanes)
	w := l.weight(p.v.Arg("weight"), lay)
	e := l.emit(p.v, "linear_lanes", p.f16, path)
	e.n("LANES", lanes).n("ROWS", shape.rows).n("COLS", shape.cols)
	e.n("rows", p.rows).n("kquads", p.kquads).n("nquads", p.nquads)
	e.n("xpitch", l.Buffers[p.x].Layout.Pitch)
	l.epilogue(e, p, w)
	e.run(ceil(panels, shape.cols), ceil(p.rows, shape.rows), 1)
	return true
}

// loadPath is the variant of the lanes kernels by how they load: texels where
// those are asked for and every tensor fits a texel buffer.
func (l *lowering) loadPath(load Load, buffers ...int) string {
	if load != LoadTexels {
		return ""
	}
	for _, b := range buffers {
		if b >= 0 && !l.texels(l.Buffers[b].Layout) {
			return ""
		}
	}
	return ".texel"
}

// texels reports that a tensor fits a texel buffer.
func (l *lowering) texels(lay Layout) bool {
	return lay.Bytes()/int64(4*lay.Elem.Bytes()) <= int64(l.lim.MaxTexels)
}

// epilogue sets what the fast products share: scale, bias, residual,
// activation, output.
func (l *lowering) epilogue(e *emission, p product, w int) {
	rpitch := 0
	if p.res >= 0 {
		rpitch = l.Buffers[p.res].Layout.Pitch
	}
	e.flag("NORM", p.own).flag("BIAS", p.bias >= 0).flag("RESIDUAL", p.res >= 0).n("ACT", actCode(p.v.Str("act")))
	e.n("ypitch", l.Buffers[p.y].Layout.Pitch).n("rpitch", rpitch)
	e.f("inverse", 1/float64(p.k)).f("eps", p.eps).f("threshold", p.v.Float("threshold"))
	e.to("x", p.x).to("w", w).to("y", p.y).to("bias", p.bias).to("residual", p.res)
}

func (l *lowering) linearTiles(p product) {
	t := l.opt.Choices.tile(l.lim, kindOf("linear_tiles", p.v, p.f16), p.rows, p.nquads)
	kpadded := ceil(4*p.kquads, t.bk) * t.bk
	w := l.weight(p.v.Arg("weight"), p.panels(t.bn/4, kpadded))
	e := l.emit(p.v, "linear_tiles", p.f16)
	e.n("INVOCATIONS", t.invocations).n("BM", t.bm).n("BN", t.bn).n("BK", t.bk).n("TM", t.tm).n("TN", t.tn).n("LX", t.lx)
	e.flag("TAIL", kpadded != 4*p.kquads)
	e.n("rows", p.rows).n("kpadded", kpadded).n("kquads", p.kquads).n("nquads", p.nquads)
	e.n("xpitch", l.Buffers[p.x].Layout.Pitch)
	l.epilogue(e, p, w)
	e.run(ceil(4*p.nquads, t.bn), ceil(p.rows, t.bm), 1)
}

func (l *lowering) linearPlain(p product) {
	lanes := l.lanes()
	scale := l.operand(p.v.Arg("rowscale"))
	mode, srow := 0, 0
	if p.own {
		mode = 1
	}
	if p.scaled && l.err == nil {
		mode, srow = 2, l.Buffers[scale].Layout.Pitch
	}
	w := l.weight(p.v.Arg("weight"), p.panels(p.nquads, 4*p.kquads))
	e := l.emit(p.v, "linear", p.f16)
	e.n("LANES", lanes).n("SCALE", mode).flag("BIAS", p.bias >= 0).flag("RESIDUAL", p.res >= 0).n("ACT", actCode(p.v.Str("act")))
	e.n("rows", p.rows).n("kquads", p.kquads).n("nquads", p.nquads).n("columns", p.k)
	e.strides("x", p.x).strides("y", p.y).strides("r", p.res).n("srow", srow)
	e.f("eps", p.eps).f("threshold", p.v.Float("threshold"))
	e.to("x", p.x).to("w", w).to("y", p.y).to("bias", p.bias).to("residual", p.res).to("scale", scale)
	e.run(ceil(p.rows, lanes), p.nquads, 1)
}

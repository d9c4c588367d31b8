package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// statistics sets the channel means and deviations.
func (e *emission) statistics(v *graph.Value) *emission {
	for i := range 3 {
		e.f(fmt.Sprintf("mean%d", i), v.Floats("mean")[i]).f(fmt.Sprintf("std%d", i), v.Floats("std")[i])
	}
	return e
}

func (l *lowering) normalise(v *graph.Value) {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	s, y, lanes := v.Shape(), l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	e := l.emit(v, "normalise", false).n("LANES", lanes).n("count", lay.Rows).n("width", s[3].Size).n("height", s[2].Size).n("pitch", lay.Pitch)
	e.statistics(v).to("pixels", in).to("y", y).run(ceil(lay.Pitch, lanes), lay.Rows, 1)
}

func (l *lowering) patchify(v *graph.Value) {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, lanes, image := l.result(v), l.lanes(), v.Args[0].Shape()
	lay := l.Buffers[y].Layout
	e := l.emit(v, "patchify", l.half(y)).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size)
	e.n("columns", image[3].Size/v.Int("patch")).n("patch_", v.Int("patch")).n("height", image[2].Size)
	e.n("ipitch", l.Buffers[in].Layout.Pitch).n("quads", lay.QuadsPerRow()).strides("y", y).to("image", in).to("y", y)
	e.run(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 1)
}

func (l *lowering) pixelPatches(v *graph.Value) {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, lanes, image := l.result(v), l.lanes(), v.Args[0].Shape()
	lay := l.Buffers[y].Layout
	e := l.emit(v, "pixel_patches", l.half(y)).n("LANES", lanes).flag("CENTRED", v.Int("centred") != 0)
	e.n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("columns", image[2].Size/v.Int("patch")).n("patch_", v.Int("patch"))
	e.n("width", image[2].Size).n("height", image[1].Size).n("quads", lay.QuadsPerRow()).strides("y", y)
	e.statistics(v).to("pixels", in).to("y", y).run(ceil(lay.Rows, lanes), 1, 1)
}

// like is the layout of a static table that is read row by row beside tokens:
// their form and element type.
func (l *lowering) like(t *graph.Value, tokens Layout) Layout {
	s := t.Shape()
	lay := rowsLayout(tokens.Elem, s.Rows(), s.Last(), tokens.Group)
	if tokens.Form == Quads {
		lay.Form, lay.Pitch = Quads, rowPitch(s.Rows())
	}
	return lay
}

func (l *lowering) prepend(v *graph.Value) {
	x := l.operand(v.Arg("x"))
	if l.err != nil {
		return
	}
	y, lanes := l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	t := l.weight(v.Arg("tokens"), l.like(v.Arg("tokens"), lay))
	e := l.emit(v, "prepend", l.half(y)).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("prefix", v.Arg("tokens").Shape()[0].Size)
	e.strides("x", x).strides("t", t).strides("y", y).to("x", x).to("prefix", t).to("y", y)
	e.run(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 1)
}

func (l *lowering) embed(v *graph.Value) {
	x := l.operand(v.Arg("x"))
	if l.err != nil {
		return
	}
	y := l.result(v)
	lay, s := l.Buffers[y].Layout, v.Shape()
	table := l.weight(v.Arg("table"), l.like(v.Arg("table"), lay))
	gain := l.weight(v.Arg("gain"), vectorLayout(s.Last(), s.Last()))
	_, norm := v.Attrs["eps"]
	lanes, suffix, groups := l.rowGroups(lay.Rows)
	e := l.emit(v, "embed", l.half(y), suffix).n("ROW_LANES", lanes).flag("NORM", norm).flag("GAIN", gain >= 0)
	e.n("rows", lay.Rows).n("tokens", s[1].Size).n("prefix", s[1].Size-v.Arg("x").Shape()[1].Size).n("quads", lay.QuadsPerRow()).n("columns", s.Last())
	e.strides("x", x).strides("t", table).strides("y", y).f("eps", v.Float("eps"))
	e.to("x", x).to("table", table).to("y", y).to("gain", gain).run(groups, 1, 1)
}

func (l *lowering) selectRow(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, lanes, s := l.result(v), l.lanes(), v.Args[0].Shape()
	quads := l.Buffers[y].Layout.QuadsPerRow()
	if in := l.Buffers[x].Layout; in.Group != l.Buffers[y].Layout.Group {
		l.fail(v, "the row is padded by %d channels, the tokens by %d", l.Buffers[y].Layout.Group, in.Group)
	}
	e := l.emit(v, "select", l.half(x)).n("LANES", lanes).n("images", s[0].Size).n("tokens", s[1].Size).n("row", v.Int("row")).n("quads", quads)
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).run(ceil(quads, lanes), s[0].Size, 1)
}

func (l *lowering) meanRows(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, lanes, s, first := l.result(v), l.lanes(), v.Args[0].Shape(), v.Int("first")
	quads := l.Buffers[y].Layout.QuadsPerRow()
	e := l.emit(v, "mean_rows", l.half(x)).n("LANES", lanes).n("tokens", s[1].Size).n("first", first).n("quads", quads)
	e.f("inverse", 1/float64(s[1].Size-first))
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).run(ceil(quads, lanes), s[0].Size, 1)
}

func (l *lowering) dropRows(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, lanes := l.result(v), l.lanes()
	lay := l.Buffers[y].Layout
	e := l.emit(v, "drop_rows", l.half(x)).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("first", v.Int("first"))
	e.strides("x", x).strides("y", y).to("x", x).to("y", y).run(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 1)
}

func (l *lowering) layerNorm(v *graph.Value) {
	x := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y, in := l.result(v), l.Buffers[x].Layout
	mode := map[graph.Op]int{graph.OpLayerNorm: 0, graph.OpStandardise: 1, graph.OpRowScale: 2}[v.Op]
	gain, bias := -1, -1
	if mode == 0 {
		gain = l.weight(v.Arg("gain"), vectorLayout(in.Columns, in.Columns))
		bias = l.weight(v.Arg("bias"), vectorLayout(in.Columns, in.Columns))
	}
	if in.Group != in.Columns {
		l.fail(v, "normalises rows that are padded head by head")
	}
	normed, scale := y, -1
	if mode == 2 {
		normed, scale = -1, y
	}
	lanes, suffix, groups := l.rowGroups(in.Rows)
	e := l.emit(v, "layernorm", l.half(x), suffix).n("ROW_LANES", lanes).n("MODE", mode)
	e.n("rows", in.Rows).n("quads", in.QuadsPerRow()).n("columns", in.Columns).strides("x", x).strides("y", normed).f("eps", v.Float("eps"))
	e.to("x", x).to("y", normed).to("gain", gain).to("bias", bias).to("r", scale).run(groups, 1, 1)
}

// pointwise lowers the elementwise ops; the second operand of a binary one may
// be a tensor of the same shape, or a static table or vector that repeats.
func (l *lowering) pointwise(v *graph.Value) {
	a := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y := l.result(v)
	lay := l.Buffers[a].Layout
	if out := l.Buffers[y].Layout; lay != out {
		l.fail(v, "the result lies as %v, the argument as %v", out, lay)
		return
	}
	code := map[graph.Op]int{graph.OpAdd: 0, graph.OpSub: 1, graph.OpMul: 2, graph.OpScale: 3, graph.OpReLU: 4, graph.OpGELU: 5, graph.OpSoft: 6}[v.Op]
	b, brows := -1, 1
	if code <= 2 {
		b, brows = l.second(v, lay)
		if l.err != nil {
			return
		}
	}
	by := v.Float("by")
	if v.Op == graph.OpSoft {
		by = v.Float("threshold")
	}
	lanes, quads := l.lanes(), lay.QuadsPerRow()
	across := lay.Form == Rows
	e := l.emit(v, "pointwise", lay.Elem == graph.F16).n("LANES", lanes).n("OP", code).flag("ACROSS", across)
	e.n("rows", lay.Rows).n("quads", quads).n("brows", brows).strides("", a).strides("b", b).f("by", by)
	e.to("a", a).to("b", b).to("y", y)
	if across {
		e.run(ceil(quads, lanes), lay.Rows, 1)
	} else {
		e.run(ceil(lay.Rows, lanes), quads, 1)
	}
}

// second is the buffer of the second operand and the rows after which it
// repeats.
func (l *lowering) second(v *graph.Value, a Layout) (buffer, rows int) {
	b := v.Args[1]
	if !l.static[b] {
		buffer = l.operand(b)
		if l.err == nil && l.Buffers[buffer].Layout != a {
			l.fail(v, "the operands lie differently: %v and %v", a, l.Buffers[buffer].Layout)
		}
		return buffer, a.Rows
	}
	s := b.Shape()
	if s.Last() != a.Columns || a.Rows%s.Rows() != 0 {
		l.fail(v, "no kernel repeats %v over %v", s, v.Shape())
		return -1, 1
	}
	return l.weight(b, l.like(b, a)), s.Rows()
}

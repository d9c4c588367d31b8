package plan

import "github.com/crate-vk/crate-vk/graph"

// patchify cuts a normalised image into patches.
type patchify struct{}

func (patchify) kernel() string { return "patchify" }

func (f patchify) lower(l *lowering, v *graph.Value) bool {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes, image := l.result(v), l.lanes(), v.Args[0].Shape()
	lay := l.Buffers[y].Layout
	e := l.emit(v, l.variant(v, f.kernel(), l.half(y))).n("LANES", lanes).n("rows", lay.Rows).n("tokens", v.Shape()[1].Size)
	e.n("columns", image[3].Size/v.Int("patch")).n("patch_", v.Int("patch")).n("height", image[2].Size)
	e.n("ipitch", l.Buffers[in].Layout.Pitch).strides("y", y).to("image", in).to("y", y)
	e.spread(ceil(lay.Rows, lanes), lay.QuadsPerRow(), 0)
	return true
}

func (patchify) rebuild(b *caseBuilder) *graph.Value {
	image := graph.F32Type("B", 2, "RGB", 3, "Y", 8, "X", 12+4*(b.size.Rows%5))
	return b.Do(b.v.Op, graph.Attrs{"patch": 4}, b.fresh("image", image))
}

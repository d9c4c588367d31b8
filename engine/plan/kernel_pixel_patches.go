package plan

import "github.com/crate-vk/crate-vk/graph"

// pixelPatches cuts 8-bit pixels into normalised patches in one step.
type pixelPatches struct{}

func (pixelPatches) kernel() string { return "pixel_patches" }

func (f pixelPatches) lower(l *lowering, v *graph.Value) bool {
	in := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y, lanes, image := l.result(v), l.lanes(), v.Args[0].Shape()
	lay := l.Buffers[y].Layout
	e := l.emit(v, l.variant(v, f.kernel(), l.half(y))).n("LANES", lanes).flag("CENTRED", v.Int("centred") != 0)
	e.n("rows", lay.Rows).n("tokens", v.Shape()[1].Size).n("columns", image[2].Size/v.Int("patch")).n("patch_", v.Int("patch"))
	e.n("width", image[2].Size).n("height", image[1].Size).n("quads", lay.QuadsPerRow()).strides("y", y)
	e.statistics(v).to("pixels", in).to("y", y).spread(ceil(lay.Rows, lanes), 1, 0)
	return true
}

func (pixelPatches) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	attrs := graph.Attrs{"patch": 4, "mean": v.Floats("mean"), "std": v.Floats("std"), "centred": v.Int("centred")}
	pixels := graph.Type{DType: graph.U8, Shape: graph.Dims("B", 2, "Y", 8, "X", 12+4*(b.size.Rows%5), "RGB", 3)}
	return b.Do(b.v.Op, attrs, b.fresh("pixels", pixels))
}

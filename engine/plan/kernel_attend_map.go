package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// attendMap computes the maps of all heads after the softmax. They are large:
// each buffer holds as many heads of one image as fit a binding and a device
// buffer, with a dispatch each.
type attendMap struct{}

func (attendMap) kernel() string { return "attend_map" }

func (f attendMap) lower(l *lowering, v *graph.Value) bool {
	q, k := l.operand(v.Arg("q")), l.operand(v.Arg("k"))
	if l.err != nil {
		return true
	}
	heads, tokens, images := v.Int("heads"), v.Shape()[2].Size, v.Shape()[0].Size
	lanes, hq := l.lanes(), headQuads(v.Arg("q"), heads)
	kept := hq
	if hq > l.lim.Processor.Registers().Kept {
		kept = 0 // too many registers for a query: read it each time
	}
	pitch := ceil(tokens, 4)
	head := int64(tokens) * int64(pitch) * 16
	per := int(min(int64(heads), l.lim.MaxStorageRange/head, chunkBytes/head))
	if per < 1 {
		l.err = &LimitError{-1, "", fmt.Sprintf("%v needs %d MB at once for one head's map, and %s gives a kernel %d MB of a tensor at most: take smaller images",
			v, ceil(int(head), 1<<20), l.lim.Device, min(l.lim.MaxStorageRange, chunkBytes)>>20)}
		return true
	}
	if per < heads && l.hasUsers(v) {
		l.fail(v, "is used by other values, but too large for one buffer")
		return true
	}
	row, quad := l.Buffers[q].Layout.Strides()
	half := l.half(q)
	total := v.FLOPs() / int64(images*heads)
	if l.parts == nil {
		l.parts = map[*graph.Value][]int{}
	}
	for image := range images {
		for h := 0; h < heads; h += per {
			n := min(per, heads-h)
			lay := rowsLayout(graph.F32, n*tokens, tokens, tokens)
			from := (image*heads + h) * tokens
			b := l.buffer(Scratch, v, lay, Range{from, from + n*tokens})
			l.parts[v] = append(l.parts[v], b)
			e := l.emit(v, l.variant(v, f.kernel(), half)).n("LANES", lanes).n("HEAD_QUADS", kept)
			e.n("tokens", tokens).n("headquads", hq).n("qrow", row).n("qquad", quad).n("apitch", pitch).n("image", image).n("head0", h)
			e.f("scale", exp2Scale(v)).to("q", q).to("k", k).to("a", b)
			e.d.FLOPs = total * int64(n)
			e.run(ceil(tokens, lanes), n, 1)
		}
	}
	return true
}

func (attendMap) rebuild(b *caseBuilder) *graph.Value {
	return rebuildAttention(b, b.rows(max(b.c("LANES")/2, 4)))
}

package plan

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// headQuads is the number of quads of one head of v.
func headQuads(v *graph.Value, heads int) int { return ceil(v.Shape().Last()/heads, 4) }

// exp2Scale is the factor of scores inside kernels, which use exp2.
func exp2Scale(v *graph.Value) float64 { return v.Float("scale") * math.Log2E }

// attend lowers mssa, where query, key and value are one projection, and mhsa.
func (l *lowering) attend(v *graph.Value) {
	q := v.Args[0]
	k, val := q, q
	if v.Op == graph.OpMHSA {
		k, val = v.Args[1], v.Args[2]
	}
	bq, bk, bv := l.operand(q), l.operand(k), l.operand(val)
	if l.err != nil {
		return
	}
	o := l.result(v)
	heads, tokens, images := v.Int("heads"), q.Shape()[1].Size, q.Shape()[0].Size
	hq := headQuads(v, heads)
	in, out := l.Buffers[bq].Layout, l.Buffers[o].Layout
	if l.Buffers[bk].Layout != in || l.Buffers[bv].Layout != in {
		l.fail(v, "query, key and value lie differently: %v, %v, %v", in, l.Buffers[bk].Layout, l.Buffers[bv].Layout)
		return
	}
	f16 := in.Elem == graph.F16
	tied := k == val
	if l.opt.Family == Lanes {
		s, ok := l.opt.Choices.lanesAttention(l.lim, kindOf("attend_lanes", v, f16), tokens, hq)
		path := l.loadPath(s.load, bq, bk, bv)
		if ok && l.usable("attend_lanes", f16, path) {
			e := l.emit(v, "attend_lanes", f16, path)
			e.n("LANES", l.lim.Subgroup).n("QUERIES", s.queries).n("KEYS", s.keys).n("HEAD_QUADS", hq).flag("TIED", tied)
			e.n("tokens", tokens).n("pitch", in.Pitch).n("opitch", out.Pitch).f("scale", exp2Scale(v)).n("zero", 0)
			if tied {
				bv = -1
			}
			e.to("q", bq).to("k", bk).to("v", bv).to("o", o)
			e.run(ceil(tokens, l.lim.Subgroup*s.queries), heads, images)
			return
		}
	}
	if l.opt.Family == Tiles {
		if s, ok := l.opt.Choices.tunedUniform(l.lim, kindOf("attend_uniform", v, f16), hq); ok && l.usable("attend_uniform", f16) {
			e := l.emit(v, "attend_uniform", f16)
			e.n("LANES", l.lim.Subgroup).n("PARTS", s.slices*s.splits).n("SLICE", s.slice).n("SLICES", s.slices)
			e.n("KEYS", s.keys).n("SPLITS", s.splits).n("CHUNK", s.chunk).flag("TIED", tied)
			e.n("tokens", tokens).n("pitch", in.Pitch).n("opitch", out.Pitch).f("scale", exp2Scale(v)).n("zero", 0)
			if tied {
				bv = -1
			}
			e.to("q", bq).to("k", bk).to("v", bv).to("o", o)
			e.run(ceil(tokens, l.lim.Subgroup), heads, images)
			return
		}
	}
	lanes := l.lanes()
	e := l.emit(v, "attend", f16).n("LANES", lanes).n("tokens", tokens).n("headquads", hq)
	e.strides("q", bq).strides("k", bk).strides("o", o).f("scale", exp2Scale(v))
	e.to("q", bq).to("k", bk).to("v", bv).to("o", o)
	e.run(ceil(tokens, lanes), heads*ceil(hq, 8), images)
}

// attentionMaps lowers the maps of all heads. They are large: each buffer
// holds as many heads of one image as fit a binding and a device buffer.
func (l *lowering) attentionMaps(v *graph.Value) {
	q, k := l.operand(v.Arg("q")), l.operand(v.Arg("k"))
	if l.err != nil {
		return
	}
	heads, tokens, images := v.Int("heads"), v.Shape()[2].Size, v.Shape()[0].Size
	lanes, hq := l.lanes(), headQuads(v.Arg("q"), heads)
	kept := hq
	if hq > 20 {
		kept = 0 // too many registers for a query: read it each time
	}
	pitch := ceil(tokens, 4)
	head := int64(tokens) * int64(pitch) * 16
	per := int(min(int64(heads), l.lim.MaxStorageRange/head, chunkBytes/head))
	if per < 1 {
		l.fail(v, "one head's map has %d bytes, more than one binding holds (%d)", head, l.lim.MaxStorageRange)
		return
	}
	if per < heads && l.hasUsers(v) {
		l.fail(v, "is used by other values, but too large for one buffer")
		return
	}
	row, quad := l.Buffers[q].Layout.Strides()
	f16 := l.half(q)
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
			e := l.emit(v, "attend_map", f16).n("LANES", lanes).n("HEAD_QUADS", kept)
			e.n("tokens", tokens).n("headquads", hq).n("qrow", row).n("qquad", quad).n("apitch", pitch).n("image", image).n("head0", h)
			e.f("scale", exp2Scale(v)).to("q", q).to("k", k).to("a", b)
			e.flops = total * int64(n)
			e.run(ceil(tokens, lanes), n, 1)
		}
	}
}

func (l *lowering) hasUsers(v *graph.Value) bool { return len(l.users[v]) > 0 }

func (l *lowering) softmax(v *graph.Value) {
	a := l.operand(v.Args[0])
	if l.err != nil {
		return
	}
	y := l.result(v)
	lay := l.Buffers[a].Layout
	if lay != l.Buffers[y].Layout {
		l.fail(v, "the result lies as %v, the argument as %v", l.Buffers[y].Layout, lay)
		return
	}
	lanes, suffix, groups := l.rowGroups(lay.Rows)
	e := l.emit(v, "softmax", false, suffix).n("ROW_LANES", lanes)
	e.n("rows", lay.Rows).n("quads", lay.QuadsPerRow()).n("columns", lay.Columns).strides("", a).f("scale", exp2Scale(v))
	e.to("a", a).to("y", y).run(groups, 1, 1)
}

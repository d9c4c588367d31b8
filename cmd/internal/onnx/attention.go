package onnx

import "github.com/crate-vk/crate-vk/graph"

// lowerAttention lowers the ops that work head by head; false: v is none.
func (e *exporter) lowerAttention(v *graph.Value) (string, bool) {
	a, h := v.Args, v.Int("heads")
	switch v.Op {
	case graph.OpMSSA:
		return e.multiHead(v, a[0], a[0], a[0]), true
	case graph.OpMHSA:
		return e.multiHead(v, a[0], a[1], a[2]), true
	case graph.OpAttention:
		return e.maps(v, a[0], a[1]), true
	case graph.OpClassAttention:
		s := e.dots(e.row(e.value(a[0]), 0), a[1], h)
		return e.softmax(e.times(s, v.Float("scale"))), true
	case graph.OpHeadDots:
		return e.dots(e.value(a[0]), a[1], h), true
	case graph.OpHeadQuery: // [B H 1 p] · [H p C]
		w := e.reshape(e.value(a[0]), rowOf(a[0], h)...)
		t := e.do("MatMul", nil, w, e.perHead(a[1], h))
		return e.reshape(t, v.Shape().Sizes()...), true
	case graph.OpHeadScores: // [B H C] · [B C N]
		s := e.do("MatMul", nil, e.value(a[1]), e.transpose(e.value(a[0]), 0, 2, 1))
		return e.scaleColumns(s, e.rowScale(v, a[0], a[2])), true
	case graph.OpHeadMix: // [B H N] · [B N C]
		m := e.scaleColumns(e.value(a[0]), e.rowScale(v, a[1], a[2]))
		return e.do("MatMul", nil, m, e.value(a[1])), true
	case graph.OpHeadProject: // [B H 1 C] · [H C p]
		s := a[0].Shape()
		m := e.reshape(e.value(a[0]), s[0].Size, s[1].Size, 1, s[2].Size)
		o := e.do("MatMul", nil, m, e.transpose(e.perHead(a[1], h), 0, 2, 1))
		o = e.reshape(o, v.Shape().Sizes()...)
		if a[2] != nil {
			o = e.do("Add", nil, o, e.value(a[2]))
		}
		return o, true
	}
	return "", false
}

// rowOf is the shape [B H 1 p] of a row a head, made from [B C].
func rowOf(x *graph.Value, heads int) []int {
	return []int{x.Shape()[0].Size, heads, 1, x.Shape().Last() / heads}
}

// perHead is a weight [R C] as [H p C]: the rows that belong to each head.
func (e *exporter) perHead(w *graph.Value, heads int) string {
	s := w.Shape()
	return e.reshape(e.value(w), heads, s[0].Size/heads, s[1].Size)
}

// split is [B N C] as [B H N p], or with transposed as [B H p N].
func (e *exporter) split(x *graph.Value, heads int, transposed bool) string {
	s := x.Shape()
	y := e.reshape(e.value(x), s[0].Size, s[1].Size, heads, s[2].Size/heads)
	if transposed {
		return e.transpose(y, 0, 2, 3, 1)
	}
	return e.transpose(y, 0, 2, 1, 3)
}

// maps is softmax(scale·q·kᵀ) of every head: [B H N N].
func (e *exporter) maps(v, q, k *graph.Value) string {
	h := v.Int("heads")
	s := e.do("MatMul", nil, e.split(q, h, false), e.split(k, h, true))
	return e.softmax(e.times(s, v.Float("scale")))
}

func (e *exporter) multiHead(v, q, k, values *graph.Value) string {
	o := e.do("MatMul", nil, e.maps(v, q, k), e.split(values, v.Int("heads"), false))
	return e.reshape(e.transpose(o, 0, 2, 1, 3), v.Shape().Sizes()...)
}

// dots is q·k of each head, q one row an image: [B C] and [B N C] to [B H N].
func (e *exporter) dots(q string, k *graph.Value, heads int) string {
	s := k.Shape()
	row := e.reshape(q, s[0].Size, heads, 1, s[2].Size/heads)
	return e.reshape(e.do("MatMul", nil, row, e.split(k, heads, true)), s[0].Size, heads, s[1].Size)
}

// scaleColumns multiplies column j of each [H N] by a row scale [B N 1]; "" is
// no scale.
func (e *exporter) scaleColumns(x, scale string) string {
	if scale == "" {
		return x
	}
	return e.do("Mul", nil, x, e.transpose(scale, 0, 2, 1))
}

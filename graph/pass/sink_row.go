package pass

import "github.com/crate-vk/crate-vk/graph"

// sinkRow moves select towards the inputs: where only one row of the last
// layer is read, its out-projection, block and norms run on that row alone
// (numerics 6.6). At the attention the row becomes a weighted mean of the layer's
// input tokens, projected once a head:
//
//	a_k = class_attention,  m_k = Σ_j a_kj·x_j,  o_k = U_k·m_k + bias_k
//
// The bias is added once and needs no factor, because the weights a_kj add up to
// 1. Where the projection has a row scale r, left by fold-centring, the mean runs
// over standardised tokens. The rows of U are centred then, so that the mean of each
// token would drop out of U_k·m_k; but m would lose digits to it where it is large.
func sinkRow(g *graph.Graph) error {
	for {
		moved := false
		err := rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
			if moved || v.Op != graph.OpSelect || !onlyUser(g, v.Args[0]) {
				return nil
			}
			w := sunk(r, v)
			moved = w != nil
			return w
		})
		if err != nil || !moved {
			return err
		}
	}
}

// sunk computes the row that v selects without the value that it is selected
// from: it selects that row of the value's own arguments and applies the value's
// operation to them. It is nil for operations where that is impossible or saves
// nothing.
func sunk(r *rewriter, v *graph.Value) *graph.Value {
	in, row := v.Args[0], v.Int("row")
	switch info := in.Op.Info(); {
	case info.Elementwise && len(info.Args) == 2:
		b := in.Args[1]
		switch len(b.Shape()) {
		case 3:
			b = r.row(b, row)
		case 1: // a vector over the channels: the same for every row
		default:
			return nil
		}
		return r.do(in.Op, in.Attrs, r.row(in.Args[0], row), b)
	case info.RowWise:
		args := append([]*graph.Value{r.row(in.Args[0], row)}, in.Args[1:]...)
		return r.do(in.Op, in.Attrs, args...)
	}
	switch in.Op {
	case graph.OpLinear:
		args := append([]*graph.Value(nil), in.Args...)
		args[0] = r.row(in.Arg("x"), row)
		if s := in.Arg("rowscale"); s != nil {
			if s.Op != graph.OpRowScale || s.Args[0] != in.Arg("x") {
				return nil
			}
			args[3] = r.do(graph.OpRowScale, s.Attrs, args[0])
		}
		if res := in.Arg("residual"); res != nil {
			args[4] = r.row(res, row)
		}
		return r.do(graph.OpLinear, in.Attrs, args...)
	case graph.OpMSSA:
		return classRowOutput(r, in, in.Args[0], in.Args[0], in.Args[0], row)
	case graph.OpMHSA:
		return classRowOutput(r, in, in.Args[0], in.Args[1], in.Args[2], row)
	}
	return nil
}

// classRowOutput is the class token's row of an attention whose values val are
// a plain linear of the layer's input.
func classRowOutput(r *rewriter, attention, q, k, val *graph.Value, row int) *graph.Value {
	if row != 0 || !plainProjection(val) {
		return nil
	}
	heads := attention.Int("heads")
	a := r.do(graph.OpClassAttention, graph.Attrs{"heads": heads, "scale": attention.Float("scale")}, q, k)
	x, scale := val.Arg("x"), val.Arg("rowscale")
	if s := scale; s != nil && s.Op == graph.OpRowScale && s.Args[0] == x && graph.Centred(val.Arg("weight")) {
		x, scale = r.do(graph.OpStandardise, s.Attrs, x), nil
	}
	m := r.do(graph.OpHeadMix, nil, a, x, scale)
	return r.do(graph.OpHeadProject, graph.Attrs{"heads": heads}, m, val.Arg("weight"), val.Arg("bias"))
}

// plainProjection reports a linear without residual, activation or own scale.
func plainProjection(v *graph.Value) bool {
	return v.Op == graph.OpLinear && v.Arg("residual") == nil && len(v.Attrs) == 0
}

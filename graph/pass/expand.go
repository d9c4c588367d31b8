package pass

import "github.com/crate-vk/crate-vk/graph"

// expand rewrites the ops that no kernel implements as a whole.
func expand(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		switch v.Op {
		case graph.OpISTA:
			return expandISTA(r, v)
		case graph.OpODL:
			return expandODL(r, v)
		case graph.OpClassAttention:
			q0 := r.row(v.Arg("q"), 0)
			s := r.do(graph.OpHeadDots, graph.Attrs{"heads": v.Int("heads")}, q0, v.Arg("k"))
			return r.do(graph.OpSoftmax, graph.Attrs{"scale": v.Float("scale")}, s)
		}
		return nil
	})
}

// expandISTA is the block as the published code computes it: u = x·Dᵀ, then
// x + η(x·D − u·D), three products.
func expandISTA(r *rewriter, v *graph.Value) *graph.Value {
	x, d := v.Arg("x"), v.Arg("dictionary")
	step, shrink := v.Float("step"), v.Float("step")*v.Float("threshold")
	dt := r.do(graph.OpTranspose, nil, d) // linear multiplies by the transpose
	u := r.do(graph.OpLinear, nil, x, d)
	grad := r.do(graph.OpSub, nil, r.do(graph.OpLinear, nil, x, dt), r.do(graph.OpLinear, nil, u, dt))
	pre := r.do(graph.OpAdd, nil, x, r.scale(grad, step))
	return proximal(r, v, pre, shrink)
}

package pass

import "github.com/crate-vk/crate-vk/graph"

// foldISTA replaces ista(x, D) by one linear (numerics 6.2). In row layout
//
//	pre = x + η(x·D − (x·Dᵀ)·D) = x·M,  M = I + η(D − DᵀD)
//
// and a linear weight is Mᵀ = I + η(Dᵀ − DᵀD), as DᵀD is symmetric. The
// threshold becomes the bias −ηλ before a ReLU, or that of the soft threshold.
func foldISTA(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpISTA {
			return nil
		}
		x, d := v.Arg("x"), v.Arg("dictionary")
		step, shrink := v.Float("step"), v.Float("step")*v.Float("threshold")
		dt := r.do(graph.OpTranspose, nil, d)
		gram := r.do(graph.OpMatMul, nil, dt, d)
		eye := r.source(graph.OpEye, d.Type, nil)
		m := r.do(graph.OpAdd, nil, eye, r.scale(r.do(graph.OpSub, nil, dt, gram), step))
		return proximal(r, v, r.do(graph.OpLinear, nil, x, m), shrink)
	})
}

// proximal applies the last part of ista v to its argument pre: the threshold
// and the ReLU, or the soft threshold.
func proximal(r *rewriter, v, pre *graph.Value, shrink float64) *graph.Value {
	if v.Str("prox") == graph.ActSoft {
		return r.do(graph.OpSoft, graph.Attrs{"threshold": shrink}, pre)
	}
	c := graph.Type{DType: graph.F32, Shape: v.Shape()[len(v.Shape())-1:]}
	bias := r.source(graph.OpFill, c, graph.Attrs{"value": -shrink})
	return r.do(graph.OpReLU, nil, r.do(graph.OpAdd, nil, pre, bias))
}

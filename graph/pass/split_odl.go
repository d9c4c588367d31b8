package pass

import "github.com/crate-vk/crate-vk/graph"

// splitODL makes the overcomplete block a list of products. expand would do it
// too, but after the norms are folded.
func splitODL(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpODL {
			return nil
		}
		return expandODL(r, v)
	})
}

// expandODL is the overcomplete block with η in the weights and η·λ in a bias:
//
//	e = x·(ηD) − ηλ,  z₁ = max(0, e),  u = z₁·Dᵀ
//	z₂ = max(0, u·(−ηD) + (z₁ + e)),   y = z₂·D₁ᵀ
//
// DᵀD is not folded: it would cost more than it saves (numerics 6.3).
func expandODL(r *rewriter, v *graph.Value) *graph.Value {
	x, d, d1 := v.Arg("x"), v.Arg("dictionary"), v.Arg("decoder")
	step, shrink := v.Float("step"), v.Float("step")*v.Float("threshold")
	dt := r.do(graph.OpTranspose, nil, d)
	wide := graph.Type{DType: graph.F32, Shape: graph.Dims("R", d.Shape()[1].Size)}
	e := r.do(graph.OpLinear, nil, x, r.scale(dt, step), r.source(graph.OpFill, wide, graph.Attrs{"value": -shrink}))
	z1 := r.do(graph.OpReLU, nil, e)
	u := r.do(graph.OpLinear, nil, z1, d)
	z2 := r.do(graph.OpLinear, graph.Attrs{"act": graph.ActReLU}, u, r.scale(dt, -step), nil, nil, r.do(graph.OpAdd, nil, z1, e))
	return r.do(graph.OpLinear, nil, z2, d1)
}

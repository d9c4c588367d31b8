package pass

import "github.com/crate-vk/crate-vk/graph"

// foldNormAffine moves LayerNorm's gain g and bias b into the linear that
// follows (numerics 6.4), with ẑ the standardised row:
//
//	(ẑ∘g + b)·Wᵀ + c = ẑ·(W∘g)ᵀ + (b·Wᵀ + c)
//
// ISTA's identity is covered, as it is inside its folded weight.
func foldNormAffine(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpLinear || v.Arg("x").Op != graph.OpLayerNorm {
			return nil
		}
		norm, w := v.Arg("x"), v.Arg("weight")
		gain, shift := norm.Arg("gain"), norm.Arg("bias")
		z := r.do(graph.OpStandardise, graph.Attrs{"eps": norm.Float("eps")}, norm.Arg("x"))
		folded := r.do(graph.OpMul, nil, w, gain)
		bias := r.plus(r.do(graph.OpLinear, nil, shift, w), v.Arg("bias"))
		return r.do(graph.OpLinear, v.Attrs, z, folded, bias, v.Arg("rowscale"), v.Arg("residual"))
	})
}

package pass

import "github.com/crate-vk/crate-vk/graph"

// foldCentring makes a product run on raw tokens (numerics 6.5). With r the row's
// 1/sqrt(var + ε) and W' the weight whose rows have their mean subtracted,
//
//	standardise(x)·Wᵀ = r∘(x·W'ᵀ)
//
// so the mean of the row never has to be known by the product.
func foldCentring(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpLinear || v.Arg("x").Op != graph.OpStandardise || v.Arg("rowscale") != nil {
			return nil
		}
		norm := v.Arg("x")
		x := norm.Arg("x")
		scale := r.do(graph.OpRowScale, graph.Attrs{"eps": norm.Float("eps")}, x)
		return r.do(graph.OpLinear, v.Attrs, x, r.do(graph.OpCentre, nil, v.Arg("weight")), v.Arg("bias"), scale, v.Arg("residual"))
	})
}

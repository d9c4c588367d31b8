package pass

import "github.com/crate-vk/crate-vk/graph"

// classRow computes the class token's attention without projecting all tokens
// and without the Gram matrix (numerics 6.7). With keys k_j = r_j·(x_j·Uᵀ) + b and
// the class token's query q_0,
//
//	q_0·k_j (head k) = r_j·(x_j·t_k) + q_0·b,   t_k = U_kᵀ·q_0,k
//
// and the last term is the same for all j, so it cancels in the softmax. The
// rewrite applies only where nothing but class attention reads the projection:
// if another value needs the projection of all tokens, it is computed anyway.
func classRow(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpClassAttention {
			return nil
		}
		q, k := v.Arg("q"), v.Arg("k")
		if !plainProjection(q) || !plainProjection(k) || !readForClassRows(g, q) || !readForClassRows(g, k) {
			return nil
		}
		x := k.Arg("x")
		x0 := r.row(q.Arg("x"), 0)
		var scale0 *graph.Value
		if s := q.Arg("rowscale"); s != nil {
			if s.Op != graph.OpRowScale || s.Args[0] != q.Arg("x") {
				return nil
			}
			scale0 = r.do(graph.OpRowScale, s.Attrs, x0)
		}
		heads := graph.Attrs{"heads": v.Int("heads")}
		q0 := r.do(graph.OpLinear, nil, x0, q.Arg("weight"), q.Arg("bias"), scale0)
		t := r.do(graph.OpHeadQuery, heads, q0, k.Arg("weight"))
		s := r.do(graph.OpHeadScores, nil, x, t, k.Arg("rowscale"))
		return r.do(graph.OpSoftmax, graph.Attrs{"scale": v.Float("scale")}, s)
	})
}

// readForClassRows reports that v serves nothing but class_attention.
func readForClassRows(g *graph.Graph, v *graph.Value) bool {
	if g.IsOutput(v) {
		return false
	}
	for _, u := range liveUsers(g, v) {
		if u.Op != graph.OpClassAttention {
			return false
		}
	}
	return true
}

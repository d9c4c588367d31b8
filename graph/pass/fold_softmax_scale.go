package pass

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// foldSoftmaxScale moves the factor s by which attention multiplies its scores
// into the weights around it, so that the kernels need not multiply (numerics
// 6.8).
//
// MSSA has one projection w, which is query, key and value. Its weight is
// multiplied by √s, which makes the projection w' = √s·w. The scores then come
// out scaled:
//
//	w'·w'ᵀ = s·w·wᵀ
//
// The values are w' as well, so the output of attention is √s times what it
// should be, and the weight of the linear behind it is multiplied by 1/√s.
//
// Where query, key and value have projections of their own, the query's weight
// is multiplied by s, and nothing else changes.
//
// Other users of the projection, and outputs that name it, read w'·(1/√s): the
// value that they would have read without this pass.
func foldSoftmaxScale(g *graph.Graph) error {
	done := map[*graph.Value]bool{}
	values := g.Values[:len(g.Values):len(g.Values)]
	for _, v := range values {
		var err error
		switch {
		case v.Op == graph.OpMSSA && v.Float("scale") != 1 && !done[v.Args[0]]:
			done[v.Args[0]] = true
			err = foldShared(g, v.Args[0], v.Float("scale"))
		case v.Op == graph.OpMHSA && v.Float("scale") != 1 && !done[v.Args[0]]:
			done[v.Args[0]] = true
			err = foldSeparate(g, v.Args[0], v.Args[1], v.Float("scale"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isAttention(op graph.Op) bool {
	switch op {
	case graph.OpMSSA, graph.OpMHSA, graph.OpAttention, graph.OpClassAttention:
		return true
	}
	return false
}

// foldShared scales the shared projection w of one or more MSSA values by √s. It
// leaves the graph as it is where some user of w has no way to be corrected.
func foldShared(g *graph.Graph, w *graph.Value, s float64) error {
	if !plainProjection(w) {
		return nil
	}
	var outs []*graph.Value // the linears behind mssa
	for _, u := range liveUsers(g, w) {
		if isAttention(u.Op) && u.Float("scale") != s {
			return nil
		}
		if u.Op == graph.OpMHSA {
			return nil
		}
		if u.Op != graph.OpMSSA {
			continue
		}
		if g.IsOutput(u) {
			return nil
		}
		for _, o := range liveUsers(g, u) {
			if o.Op != graph.OpLinear || o.Arg("x") != u || o.Arg("residual") == u {
				return nil
			}
			outs = append(outs, o)
		}
	}
	r := &rewriter{g: g}
	root := math.Sqrt(s)
	scaled := scaledLinear(r, w, root)
	for _, o := range outs {
		o.Args[1] = r.scale(o.Args[1], 1/root)
	}
	return splitUsers(r, w, scaled, 1/root, func(u *graph.Value) bool { return isAttention(u.Op) })
}

// foldSeparate scales the query projection q of MHSA by s, unless q is also used
// as a key or by attention with another scale.
func foldSeparate(g *graph.Graph, q, k *graph.Value, s float64) error {
	if !plainProjection(q) || q == k {
		return nil
	}
	for _, u := range liveUsers(g, q) {
		if isAttention(u.Op) && (u.Float("scale") != s || u.Args[0] != q) {
			return nil
		}
	}
	r := &rewriter{g: g}
	return splitUsers(r, q, scaledLinear(r, q, s), 1/s, func(u *graph.Value) bool { return isAttention(u.Op) })
}

// scaledLinear is the projection w with weight and bias multiplied by a factor.
func scaledLinear(r *rewriter, w *graph.Value, by float64) *graph.Value {
	return r.do(graph.OpLinear, nil, w.Arg("x"), r.scale(w.Arg("weight"), by), r.scale(w.Arg("bias"), by), w.Arg("rowscale"))
}

// splitUsers replaces w by scaled, a multiple of it. The users for which take is
// true get scaled itself, and their own factor becomes 1. All other users, and
// outputs that are w, get scaled multiplied by back, which is w again.
func splitUsers(r *rewriter, w, scaled *graph.Value, back float64, take func(*graph.Value) bool) error {
	if r.err != nil {
		return r.err
	}
	for _, u := range r.g.Values {
		if !take(u) {
			continue
		}
		for i, a := range u.Args {
			if a == w {
				u.Args[i] = scaled
				u.Attrs = with(u.Attrs, "scale", 1.0)
			}
		}
	}
	if r.g.IsOutput(w) || len(liveUsers(r.g, w)) > 0 {
		replaceLater(r.g, w, r.scale(scaled, back))
	}
	return r.err
}

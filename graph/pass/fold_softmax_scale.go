package pass

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// foldSoftmaxScale takes the factor s of the scores out of attention (numerics
// 6.8). For the shared projection w of MSSA, query and key at once, w' = √s·w
// gives s·w·wᵀ = w'·w'ᵀ, and the output, which is made of w too, is 1/√s too
// small by it: the linear that follows is scaled. For separate projections the
// query alone takes s. Who reads w itself gets it back unscaled.
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

func scaledLinear(r *rewriter, w *graph.Value, by float64) *graph.Value {
	return r.do(graph.OpLinear, nil, w.Arg("x"), r.scale(w.Arg("weight"), by), r.scale(w.Arg("bias"), by), w.Arg("rowscale"))
}

// splitUsers gives scaled, with scale = 1, to the users that take says, and
// scale(scaled, back) to all others and to who reads w.
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

package pass

import "github.com/crate-vk/crate-vk/graph"

// fuseEpilogue applies what follows a product as it is stored:
//
//	linear(x, …, rowscale = row_scale(x))  takes the scale from its own operand
//	add(linear, vector)                    becomes part of the bias
//	add(linear, tokens)                    becomes the residual
//	relu, gelu, soft(linear)               becomes the activation
//
// A linear that others read too is left alone.
func fuseEpilogue(g *graph.Graph) error {
	static := g.Static()
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		switch v.Op {
		case graph.OpLinear, graph.OpHeadScores:
			return ownScale(r, v)
		case graph.OpAdd:
			if lin := v.Args[0]; mayExtend(g, lin) {
				return extendByAdd(r, lin, v.Args[1], static[v.Args[1]])
			}
			if lin := v.Args[1]; mayExtend(g, lin) && lin.Shape().Same(v.Shape()) {
				return extendByAdd(r, lin, v.Args[0], false)
			}
		case graph.OpReLU, graph.OpGELU, graph.OpSoft:
			if lin := v.Args[0]; mayExtend(g, lin) {
				attrs := with(lin.Attrs, "act", v.Op.String())
				if v.Op == graph.OpSoft {
					attrs["threshold"] = v.Float("threshold")
				}
				return r.do(graph.OpLinear, attrs, lin.Args...)
			}
		}
		return nil
	})
}

// mayExtend reports whether v is a linear over tokens or rows that has no
// activation yet and whose result nothing else reads: only then may what follows
// it become part of it.
func mayExtend(g *graph.Graph, v *graph.Value) bool {
	return v.Op == graph.OpLinear && v.Str("act") == graph.ActNone && len(v.Shape()) > 1 && onlyUser(g, v)
}

func extendByAdd(r *rewriter, lin, b *graph.Value, static bool) *graph.Value {
	args := append([]*graph.Value(nil), lin.Args...)
	switch {
	case static && len(b.Shape()) == 1:
		args[2] = r.plus(lin.Arg("bias"), b)
	case b.Shape().Same(lin.Shape()) && lin.Arg("residual") == nil && !static:
		args[4] = b
	default:
		return nil
	}
	return r.do(graph.OpLinear, lin.Attrs, args...)
}

// ownScale removes the rowscale argument of v where it is row_scale(x) of v's own
// x, and gives v the attribute eps instead: the kernel then computes the scale
// from the tokens that it reads anyway.
func ownScale(r *rewriter, v *graph.Value) *graph.Value {
	s := v.Arg("rowscale")
	if s == nil || s.Op != graph.OpRowScale || s.Args[0] != v.Arg("x") {
		return nil
	}
	args := append([]*graph.Value(nil), v.Args...)
	for i, a := range args {
		if a == s {
			args[i] = nil
		}
	}
	return r.do(v.Op, with(v.Attrs, "eps", s.Float("eps")), args...)
}

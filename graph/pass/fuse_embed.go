package pass

import "github.com/crate-vk/crate-vk/graph"

// fuseEmbed turns prefix tokens, positions and the norm before them into one
// step over a static table: row i < K of it is prefix token + position, the
// others position + norm bias. Row 0 is the same for every image (numerics 6.11).
//
//	add(prepend(layernorm(E; g, b), cls), pos) = embed(E, table, g)
func fuseEmbed(g *graph.Graph) error {
	static := g.Static()
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpAdd || v.Args[0].Op != graph.OpPrepend || !static[v.Args[1]] || len(v.Args[1].Shape()) != 2 {
			return nil
		}
		x, pos := v.Args[0], v.Args[1]
		var prefix *graph.Value
		for x.Op == graph.OpPrepend && static[x.Arg("tokens")] {
			if prefix == nil {
				prefix = x.Arg("tokens")
			} else {
				prefix = r.do(graph.OpConcat, nil, prefix, x.Arg("tokens"))
			}
			x = x.Arg("x")
		}
		if prefix == nil {
			return nil
		}
		k, n := prefix.Shape()[0].Size, pos.Shape()[0].Size
		head := r.do(graph.OpAdd, nil, r.do(graph.OpSlice, graph.Attrs{"start": 0, "stop": k}, pos), prefix)
		tail := r.do(graph.OpSlice, graph.Attrs{"start": k, "stop": n}, pos)
		var gain *graph.Value
		var attrs graph.Attrs
		if x.Op == graph.OpLayerNorm {
			gain, attrs = x.Arg("gain"), graph.Attrs{"eps": x.Float("eps")}
			tail = r.do(graph.OpAdd, nil, tail, x.Arg("bias"))
			x = x.Arg("x")
		}
		return r.do(graph.OpEmbed, attrs, x, r.do(graph.OpConcat, nil, head, tail), gain)
	})
}

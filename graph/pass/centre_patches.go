package pass

import "github.com/crate-vk/crate-vk/graph"

// centrePatches subtracts each patch's mean while the patch is cut from the image,
// where nothing but a LayerNorm reads the patches. LayerNorm subtracts the mean
// itself, so its result does not change (numerics 6.10).
//
// Without this pass fold-centring would let a product read patches as they are.
// A flat patch has a large mean and almost no variance, and in float32 the small
// differences between its pixels would be lost in the sums.
func centrePatches(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpPixelPatches || v.Int("centred") != 0 || g.IsOutput(v) {
			return nil
		}
		for _, u := range liveUsers(g, v) {
			if !ignoresRowMean(u, v) {
				return nil
			}
		}
		return r.do(v.Op, with(v.Attrs, "centred", 1), v.Args...)
	})
}

// ignoresRowMean reports that u stays the same when a constant is added to a
// row of its argument x.
func ignoresRowMean(u, x *graph.Value) bool {
	switch u.Op {
	case graph.OpLayerNorm, graph.OpStandardise, graph.OpRowScale:
		return true
	case graph.OpLinear:
		return u.Arg("x") == x && u.Arg("residual") != x && centredWeight(u.Arg("weight"))
	}
	return false
}

func centredWeight(w *graph.Value) bool {
	for w.Op == graph.OpScale {
		w = w.Args[0]
	}
	return w.Op == graph.OpCentre
}

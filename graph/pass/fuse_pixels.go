package pass

import "github.com/crate-vk/crate-vk/graph"

// fusePixels makes patchify(normalise(pixels)) one step.
func fusePixels(g *graph.Graph) error {
	return rewrite(g, func(r *rewriter, v *graph.Value) *graph.Value {
		if v.Op != graph.OpPatchify || v.Args[0].Op != graph.OpNormalise {
			return nil
		}
		return r.do(graph.OpPixelPatches, with(v.Args[0].Attrs, "patch", v.Int("patch")), v.Args[0].Args[0])
	})
}

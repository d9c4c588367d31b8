package pass

import "github.com/crate-vk/crate-vk/graph"

// deadCode drops every value that no output needs.
func deadCode(g *graph.Graph) error {
	live := g.Live()
	return g.Sweep(func(v *graph.Value) bool { return !live[v] })
}

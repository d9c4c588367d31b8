package prove

import (
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// RandomInputs are inputs for a graph, the same each time.
func RandomInputs(g *graph.Graph) map[string]*interp.Tensor { return randomInputs(g) }

// RandomParams are parameters for a graph, the same each time.
func RandomParams(g *graph.Graph) run.Params { return randomParams(g) }

// Random is a generator that gives the same numbers for the same name.
func Random(name string) *rand.Rand { return randomFor(name) }

package prove

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// RandomInputs draws inputs for a graph, the same each time: pixels as bytes,
// else numbers with a mean other than zero, as token streams have.
func RandomInputs(g *graph.Graph) map[string]*interp.Tensor {
	in := map[string]*interp.Tensor{}
	for _, v := range g.Values {
		if v.Op != graph.OpInput {
			continue
		}
		t := interp.NewTensor(v.Shape())
		r := Random(v.Str("name"))
		for i := range t.Data {
			if v.Type.DType == graph.U8 {
				t.Data[i] = float64(r.IntN(256))
			} else {
				t.Data[i] = float64(float32(0.3 + r.NormFloat64()))
			}
		}
		in[v.Str("name")] = t
	}
	return in
}

// RandomParams draws parameters for a graph, the same each time.
func RandomParams(g *graph.Graph) run.Params {
	shapes := map[string]graph.Shape{}
	for _, v := range g.Values {
		if v.Op == graph.OpParam {
			shapes[v.Str("name")] = v.Shape()
		}
	}
	return func(name string) ([]float64, error) {
		r := Random("parameter " + name)
		x := make([]float64, shapes[name].Elems())
		for i := range x {
			x[i] = float64(float32(r.NormFloat64() / 4))
		}
		return x, nil
	}
}

// Random is a generator that gives the same numbers for the same name.
func Random(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(17, h.Sum64()))
}

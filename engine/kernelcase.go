package engine

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// randomInputs draws the inputs of a case: pixels as bytes, else numbers with
// a mean other than zero, as token streams have.
func randomInputs(g *graph.Graph) map[string]*interp.Tensor {
	in := map[string]*interp.Tensor{}
	for _, v := range g.Values {
		if v.Op != graph.OpInput {
			continue
		}
		t := interp.NewTensor(v.Shape())
		r := randomFor(v.Str("name"))
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

func randomFor(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(17, h.Sum64()))
}

// randomParams draws the parameters of a case.
func randomParams(g *graph.Graph) Params {
	shapes := map[string]graph.Shape{}
	for _, v := range g.Values {
		if v.Op == graph.OpParam {
			shapes[v.Str("name")] = v.Shape()
		}
	}
	return func(name string) ([]float64, error) {
		r := randomFor("parameter " + name)
		x := make([]float64, shapes[name].Elems())
		for i := range x {
			x[i] = float64(float32(r.NormFloat64() / 4))
		}
		return x, nil
	}
}

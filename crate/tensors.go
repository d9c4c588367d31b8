package crate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Tensor describes one tensor of a checkpoint: its canonical name and shape.
type Tensor struct {
	Name  string
	Shape []int
	role  role
}

// role decides how random weights are drawn.
type role uint8

const (
	roleLinear     role = iota // normal, deviation 1/sqrt(columns)
	roleDictionary             // normal, deviation 0.5/sqrt(rows): ISTA's step stays contractive
	roleGain                   // 1 ± 0.1
	roleBias                   // ± 0.1
	roleTable                  // normal, deviation 0.3: positions, class token
)

// Elems is the number of elements.
func (t Tensor) Elems() int {
	n := 1
	for _, s := range t.Shape {
		n *= s
	}
	return n
}

// Tensors lists what a file of the model has: what the model's parts declare, in
// the order of its state dict, with the names of the published code (numerics 1.1 –
// 1.6).
func (c *Config) Tensors() []Tensor {
	b := newBuilder(c, Request{Batch: 1, Height: c.ImageSize[0], Width: c.ImageSize[1], Mask: Mask{Ratio: 0.5}}) // a mask reads the mask token
	b.model(true)
	rank := func(t Tensor) int {
		if i := slices.Index(b.f.first, t.Name); i >= 0 {
			return i
		}
		return len(b.f.first)
	}
	slices.SortStableFunc(b.declared, func(s, t Tensor) int { return cmp.Compare(rank(s), rank(t)) })
	return b.declared
}

// Parameters counts the model's parameters as published, with those that a
// file stores and nothing uses.
func (c *Config) Parameters() int {
	n := 0
	if idle := c.family().idle; idle != nil {
		n = idle(c)
	}
	for _, t := range c.Tensors() {
		n += t.Elems()
	}
	return n
}

// RandomParams draws the model's weights: a function of seed and tensor name
// alone, at scales like the published initialisations, so that attention is
// neither flat nor saturated. It serves benchmarks and self-checks.
func (c *Config) RandomParams(seed uint64) func(name string) ([]float64, error) {
	specs := map[string]Tensor{}
	for _, t := range c.Tensors() {
		specs[t.Name] = t
	}
	return func(name string) ([]float64, error) {
		t, ok := specs[name]
		if !ok {
			return nil, fmt.Errorf("no tensor %q in %s", name, c)
		}
		h := uint64(14695981039346656037) // FNV-1a of the name
		for _, b := range []byte(name) {
			h = (h ^ uint64(b)) * 1099511628211
		}
		return t.draw(rand.New(rand.NewPCG(seed, h))), nil
	}
}

func (t Tensor) draw(r *rand.Rand) []float64 {
	x := make([]float64, t.Elems())
	fan := t.Elems() / t.Shape[0]
	for i := range x {
		switch t.role {
		case roleLinear:
			x[i] = r.NormFloat64() / math.Sqrt(float64(fan))
		case roleDictionary:
			x[i] = 0.5 * r.NormFloat64() / math.Sqrt(float64(t.Shape[0]))
		case roleGain:
			x[i] = 1 + 0.1*(2*r.Float64()-1)
		case roleBias:
			x[i] = 0.1 * (2*r.Float64() - 1)
		case roleTable:
			x[i] = 0.3 * r.NormFloat64()
		}
		x[i] = float64(float32(x[i])) // as a file in F32 would hold it
	}
	return x
}

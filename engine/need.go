package engine

import "github.com/crate-vk/crate-vk/engine/plan"

// slots is how many batches of a plan are under way at once.
const slots = 2

// Need is the device memory that a plan takes, in bytes.
type Need struct {
	Weights int64 // shared by the plans of a model
	Tensors int64 // between the dispatches
	Staging int64 // inputs and outputs of the batches under way
}

// Total is all of it.
func (n Need) Total() int64 { return n.Weights + n.Tensors + n.Staging }

// NeedOf is what a plan needs: it runs where that is at most the device's memory.
func NeedOf(p *plan.Plan) Need {
	return Need{p.WeightBytes(), p.ArenaBytes(), slots * hostBytes(p)}
}

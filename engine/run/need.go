package run

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Slots is how many batches of a plan are under way at once.
const Slots = 2

// Need is the device memory that a plan takes, in bytes.
type Need struct {
	Weights int64 // shared by the plans of a model
	Tensors int64 // between the dispatches
	Staging int64 // inputs and outputs of the batches under way
}

// Total is all of it.
func (n Need) Total() int64 { return n.Weights + n.Tensors + n.Staging }

// NeedOf is what a plan needs, some of whose outputs are held on the device: it
// runs where that is at most the device's memory. What is held comes to it.
func NeedOf(p *plan.Plan, keep ...string) Need {
	return Need{p.WeightBytes(), p.ArenaBytes(), Slots * hostBytes(p, keep)}
}

// Fits is vk.ErrOutOfMemory, with what is needed for what, where a need is more than
// all the memory that there may be, in bytes; 0: nobody knows.
func (n Need) Fits(limit int64) error {
	if limit <= 0 || n.Total() <= limit {
		return nil
	}
	return fmt.Errorf("%w: the model needs %s for this size and batch (weights %s, tensors %s, inputs and outputs %s), and may have %d MB",
		vk.ErrOutOfMemory, Megabytes(n.Total()), Megabytes(n.Weights), Megabytes(n.Tensors), Megabytes(n.Staging), limit>>20)
}

// Megabytes rounds up, so that what is missing is never 0.
func Megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+1<<20-1)>>20) }

// Own is what the plan needs beside the weights.
func (n Need) Own() int64 { return n.Tensors + n.Staging }

// hostBytes is the staging memory of one slot.
func hostBytes(p *plan.Plan, keep []string) int64 {
	var n int64
	for _, b := range p.Buffers {
		if b.Role == plan.Input {
			n += b.Layout.Bytes()
		}
	}
	for _, o := range p.Outputs {
		if slices.Contains(keep, o.Name) {
			continue
		}
		for _, b := range o.Buffers {
			n += p.Buffers[b].Layout.Bytes()
		}
	}
	return n
}

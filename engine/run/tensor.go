package run

import "github.com/crate-vk/crate-vk/graph"

// Tensor is a value read off a model: row-major, slowest axis first.
type Tensor struct {
	Shape graph.Shape
	Data  []float32
}

// Image is the part of a batched tensor [B …] that belongs to image i, without
// the batch axis.
func (t *Tensor) Image(i int) *Tensor {
	n := len(t.Data) / t.Shape[0].Size
	return &Tensor{t.Shape[1:], t.Data[i*n : (i+1)*n : (i+1)*n]}
}

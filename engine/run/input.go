package run

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// Inputs are what a run is given, by the names of the graph's inputs.
type Inputs map[string]Input

// Input is one of them: elements in row-major order, or a tensor that is where
// it is needed already. One of the fields is set.
type Input struct {
	Bytes  []byte    // of a u8 input
	Floats []float32 // of an f32 input; of a u32 one, words as Tensor has them
	Words  []uint32  // of a u32 input
	Held   *Held
}

// len is the number of elements of that type.
func (in Input) len(t graph.DType) int {
	switch t {
	case graph.U8:
		return len(in.Bytes)
	case graph.U32:
		return max(len(in.Words), len(in.Floats))
	}
	return len(in.Floats)
}

// pack writes an input into the memory that a plan's buffer is copied from.
func (in Input) pack(mem []byte, lay plan.Layout) error {
	if have, want := in.len(lay.Elem), lay.Rows*lay.Columns; have != want {
		return fmt.Errorf("has %d elements, want %d", have, want)
	}
	switch lay.Elem {
	case graph.U8:
		copy(mem, in.Bytes)
		return nil
	case graph.U32:
		for i, w := range in.Words {
			binary.LittleEndian.PutUint32(mem[4*i:], w)
		}
		for i, x := range in.Floats {
			binary.LittleEndian.PutUint32(mem[4*i:], math.Float32bits(x))
		}
		return nil
	}
	return lay.PackFloats(mem, in.Floats)
}

// reference is an input as the interpreter takes it.
func (in Input) reference(t graph.Type) (*interp.Tensor, error) {
	if in.Held != nil && in.Held.dev != nil {
		x, err := in.Held.Read()
		if err != nil {
			return nil, err
		}
		in = Input{Floats: x.Data}
	}
	have, want := in.len(t.DType), t.Shape.Elems()
	if in.Held != nil {
		have = len(in.Held.data)
	}
	if have != want {
		return nil, fmt.Errorf("has %d elements, want %d", have, want)
	}
	if in.Held != nil {
		return &interp.Tensor{Shape: t.Shape, Data: in.Held.data}, nil
	}
	x := interp.NewTensor(t.Shape)
	for i, b := range in.Bytes {
		x.Data[i] = float64(b)
	}
	for i, w := range in.Words {
		x.Data[i] = float64(w)
	}
	for i, f := range in.Floats {
		if x.Data[i] = float64(f); t.DType == graph.U32 {
			x.Data[i] = float64(math.Float32bits(f))
		}
	}
	return x, nil
}

// tensorOf is an output of the interpreter, rounded to float32. Words of 32 bits
// keep their bits, as plan.Layout.Unpack gives them.
func tensorOf(t graph.Type, values []float64) *Tensor {
	data := make([]float32, len(values))
	for i, x := range values {
		if data[i] = float32(x); t.DType == graph.U32 {
			data[i] = math.Float32frombits(uint32(x))
		}
	}
	return &Tensor{slices.Clone(t.Shape), data}
}

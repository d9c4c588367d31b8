package engine

import (
	"context"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// computer runs batches of one graph, on the device or in the interpreter.
type computer interface {
	// start begins a batch: 8-bit RGB pixels, image after image, as many as the
	// batch. The returned function waits for the outputs, by name; it must be
	// called once.
	start(ctx context.Context, pixels []byte) (func() (map[string]*Tensor, error), error)
	close()
}

// deviceComputer is a program of two slots.
type deviceComputer struct{ *program }

func (c deviceComputer) start(ctx context.Context, pixels []byte) (func() (map[string]*Tensor, error), error) {
	s, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	in, _, err := c.input(s, crate.InputName)
	if err != nil {
		c.release(s)
		return nil, err
	}
	copy(in, pixels)
	if err := c.submit(s); err != nil {
		c.release(s)
		return nil, err
	}
	return func() (map[string]*Tensor, error) {
		defer c.release(s)
		return c.finish(s)
	}, nil
}

// interpComputer runs the same graph in the interpreter.
type interpComputer struct {
	program *interp.Program
	input   graph.Shape
	words   map[string]bool // outputs of 32-bit words
}

func newInterpComputer(ctx context.Context, g *graph.Graph, params Params) (*interpComputer, error) {
	p, err := interp.Compile(ctx, g, params.typed())
	if err != nil {
		return nil, err
	}
	for _, v := range g.Values {
		if v.Op == graph.OpInput {
			c := &interpComputer{p, v.Shape(), map[string]bool{}}
			for _, o := range g.Outputs {
				c.words[o.Name] = o.Value.Type.DType == graph.U32
			}
			return c, nil
		}
	}
	return nil, fmt.Errorf("engine: the graph has no input")
}

func (c *interpComputer) start(ctx context.Context, pixels []byte) (func() (map[string]*Tensor, error), error) {
	in := interp.NewTensor(c.input)
	for i, x := range pixels {
		in.Data[i] = float64(x)
	}
	return func() (map[string]*Tensor, error) {
		res, err := c.program.Run(ctx, map[string]*interp.Tensor{crate.InputName: in}, nil)
		if err != nil {
			return nil, err
		}
		out := map[string]*Tensor{}
		for name, t := range res {
			data := make([]float32, len(t.Data))
			for i, x := range t.Data {
				data[i] = float32(x)
			}
			if c.words[name] { // as Layout.Unpack gives them
				for i, x := range t.Data {
					data[i] = math.Float32frombits(uint32(x))
				}
			}
			out[name] = &Tensor{t.Shape, data}
		}
		return out, nil
	}, nil
}

func (c *interpComputer) close() {}

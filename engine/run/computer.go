package run

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// Result is what comes of a batch.
type Result struct {
	Outputs map[string]*Tensor
	Waited  time.Duration // for a slot and for the runs before it
	Took    time.Duration // how long it kept the device
}

// Computer runs batches of one graph, on the device or in the interpreter.
type Computer interface {
	// Start begins a batch: 8-bit RGB pixels, image after image, as many as the
	// batch. The returned function waits for the outputs, by name; it must be
	// called once. When ctx ends the batch does, at the next place where the
	// device can be stopped, with the cause.
	Start(ctx context.Context, pixels []byte) (func() (Result, error), error)
	Close()
}

// deviceComputer is a program of some slots.
type deviceComputer struct {
	*Program
	input string
}

// OnDevice runs batches by a program whose pixels go into that input.
func OnDevice(pr *Program, input string) Computer { return deviceComputer{pr, input} }

func (c deviceComputer) Start(ctx context.Context, pixels []byte) (func() (Result, error), error) {
	start := time.Now()
	s, err := c.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	in, _, err := c.Input(s, c.input)
	if err != nil {
		c.Release(s)
		return nil, err
	}
	copy(in, pixels)
	turn := c.queue.enter()
	done := make(chan struct{})
	var res Result
	go func() {
		defer close(done)
		defer c.Release(s)
		res.Outputs, err = c.finish(ctx, s, turn)
		res.Took = s.took
		res.Waited = time.Since(start) - s.took
	}()
	return func() (Result, error) {
		<-done
		return res, err
	}, nil
}

// interpComputer runs the same graph in the interpreter.
type interpComputer struct {
	program *interp.Program
	name    string
	input   graph.Shape
	words   map[string]bool // outputs of 32-bit words
}

// OnInterpreter runs batches of a graph whose pixels go into that input.
func OnInterpreter(ctx context.Context, g *graph.Graph, params Params, input string) (Computer, error) {
	p, err := interp.Compile(ctx, g, Typed(params))
	if err != nil {
		return nil, err
	}
	for _, v := range g.Values {
		if v.Op == graph.OpInput {
			c := &interpComputer{p, input, v.Shape(), map[string]bool{}}
			for _, o := range g.Outputs {
				c.words[o.Name] = o.Value.Type.DType == graph.U32
			}
			return c, nil
		}
	}
	return nil, fmt.Errorf("engine: the graph has no input")
}

func (c *interpComputer) Start(ctx context.Context, pixels []byte) (func() (Result, error), error) {
	in := interp.NewTensor(c.input)
	for i, x := range pixels {
		in.Data[i] = float64(x)
	}
	return func() (Result, error) {
		start := time.Now()
		res, err := c.program.Run(ctx, map[string]*interp.Tensor{c.name: in}, nil)
		if err != nil {
			return Result{}, err
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
		return Result{Outputs: out, Took: time.Since(start)}, nil
	}, nil
}

func (c *interpComputer) Close() {}

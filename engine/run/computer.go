package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// Result is what comes of a run.
type Result struct {
	Outputs map[string]*Tensor
	Held    map[string]*Held // those that the computer was told to keep; the caller frees them
	Waited  time.Duration    // for a slot and for the runs before it
	Took    time.Duration    // how long it kept the device
}

// Computer runs one graph, on the device or in the interpreter.
type Computer interface {
	// Start begins a run, and no longer needs the inputs when it returns. The
	// returned function waits for the outputs, by name; it must be called once.
	// When ctx ends the run does, at the next place where the device can be
	// stopped, with the cause.
	Start(ctx context.Context, in Inputs) (func() (Result, error), error)
	Close()
}

// deviceComputer is a program of some slots.
type deviceComputer struct{ *Program }

// OnDevice runs a program.
func OnDevice(pr *Program) Computer { return deviceComputer{pr} }

func (c deviceComputer) Start(ctx context.Context, in Inputs) (func() (Result, error), error) {
	start := time.Now()
	s, err := c.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.fill(s, in); err != nil {
		s.settle(err)
		c.Release(s)
		return nil, err
	}
	turn := c.queue.enter()
	done := make(chan struct{})
	var res Result
	go func() {
		defer close(done)
		defer c.Release(s)
		res.Outputs, err = c.finish(ctx, s, turn)
		res.Held = s.settle(err)
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
	inputs  map[string]graph.Type
	outputs map[string]graph.Type
	keep    []string
}

// OnInterpreter runs a graph, some of whose outputs are held.
func OnInterpreter(ctx context.Context, g *graph.Graph, params Params, keep ...string) (Computer, error) {
	p, err := interp.Compile(ctx, g, Typed(params))
	if err != nil {
		return nil, err
	}
	c := &interpComputer{p, map[string]graph.Type{}, map[string]graph.Type{}, keep}
	for _, v := range g.Values {
		if v.Op == graph.OpInput {
			c.inputs[v.Str("name")] = v.Type
		}
	}
	for _, o := range g.Outputs {
		c.outputs[o.Name] = o.Value.Type
	}
	return c, nil
}

func (c *interpComputer) Start(ctx context.Context, in Inputs) (func() (Result, error), error) {
	inputs := map[string]*interp.Tensor{}
	var sources []*Held
	settle := func() {
		for _, h := range sources {
			h.Release()
		}
	}
	for name, t := range c.inputs {
		x, err := in[name], error(nil)
		if x.Held != nil {
			if err = x.Held.Hold(); err == nil {
				sources = append(sources, x.Held)
			}
		}
		if err == nil {
			inputs[name], err = x.reference(t)
		}
		if err != nil {
			settle()
			return nil, fmt.Errorf("engine: input %q: %w", name, err)
		}
	}
	return func() (Result, error) {
		defer settle()
		start := time.Now()
		out, err := c.program.Run(ctx, inputs, finite)
		if err != nil {
			return Result{}, err
		}
		res := Result{Outputs: map[string]*Tensor{}, Held: map[string]*Held{}, Took: time.Since(start)}
		for name, t := range c.outputs {
			if slices.Contains(c.keep, name) {
				res.Held[name] = &Held{Type: t, data: out[name].Data}
				continue
			}
			res.Outputs[name] = tensorOf(t, out[name].Data)
		}
		return res, nil
	}, nil
}

func (c *interpComputer) Close() {}

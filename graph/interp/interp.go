// Package interp runs a graph on the CPU. It is the definition of every
// operation: float64 inside, one readable case an op, no fusion. Shaders are
// checked against it, and it is itself checked against tensors that the
// published models' code computed.
//
// Matrix products go through gonum's blas64, which uses all cores; everything
// else is plain loops over rows, split over the cores.
package interp

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/crate-vk/crate-vk/graph"
)

// Tensor is a value: its elements in row-major order, slowest axis first.
type Tensor struct {
	Shape graph.Shape
	Data  []float64
}

// NewTensor is a tensor of zeros.
func NewTensor(s graph.Shape) *Tensor { return &Tensor{s, make([]float64, s.Elems())} }

// Row is row i of the tensor seen as a matrix with its last axis as columns.
func (t *Tensor) Row(i int) []float64 {
	c := t.Shape.Last()
	return t.Data[i*c : (i+1)*c]
}

// Params reads a parameter by name; the elements must be as many as the type
// says. The caller of the graph decides where they come from.
type Params func(name string, t graph.Type) ([]float64, error)

// Program is a graph whose static values are evaluated, ready to run.
type Program struct {
	g      *graph.Graph
	static map[*graph.Value]*Tensor // those that dynamic values or outputs use
	last   map[*graph.Value]*graph.Value
}

// Compile evaluates the static part of g.
func Compile(ctx context.Context, g *graph.Graph, params Params) (*Program, error) {
	if err := graph.Check(g); err != nil {
		return nil, err
	}
	p := &Program{g: g, static: map[*graph.Value]*Tensor{}, last: map[*graph.Value]*graph.Value{}}
	for _, v := range Frontier(g) {
		t, err := Static(ctx, v, params)
		if err != nil {
			return nil, err
		}
		p.static[v] = t
	}
	live := g.Live()
	for _, v := range g.Values {
		for _, a := range v.Args {
			if a != nil && live[v] {
				p.last[a] = v
			}
		}
	}
	return p, nil
}

// Frontier is the static values that a live dynamic value takes as an argument or
// that the caller reads: what has to be evaluated before a run.
func Frontier(g *graph.Graph) []*graph.Value {
	static, live := g.Static(), g.Live()
	used := map[*graph.Value]bool{}
	for _, v := range g.Values {
		for _, a := range v.Args {
			if a != nil && static[a] && !static[v] && live[v] {
				used[a] = true
			}
		}
	}
	for _, o := range g.Outputs {
		if static[o.Value] {
			used[o.Value] = true
		}
	}
	var front []*graph.Value
	for _, v := range g.Values {
		if used[v] {
			front = append(front, v)
		}
	}
	return front
}

// Static evaluates one static value and keeps nothing else: the way to fold
// weights one at a time.
func Static(ctx context.Context, v *graph.Value, params Params) (*Tensor, error) {
	memo := map[*graph.Value]*Tensor{}
	var eval func(v *graph.Value) (*Tensor, error)
	eval = func(v *graph.Value) (*Tensor, error) {
		if t := memo[v]; t != nil {
			return t, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		args := make([]*Tensor, len(v.Args))
		for i, a := range v.Args {
			if a == nil {
				continue
			}
			t, err := eval(a)
			if err != nil {
				return nil, err
			}
			args[i] = t
		}
		t, err := apply(v, args, params)
		if err != nil {
			return nil, err
		}
		memo[v] = t
		return t, nil
	}
	return eval(v)
}

// Run evaluates the dynamic values and returns the outputs by name. Inputs are
// given by name, pixels as numbers 0 … 255. A value is dropped after its last
// use. Observe, if not nil, sees each dynamic value as it is computed.
func (p *Program) Run(ctx context.Context, inputs map[string]*Tensor, observe func(*graph.Value, *Tensor) error) (map[string]*Tensor, error) {
	live := make(map[*graph.Value]*Tensor, 16)
	for v, t := range p.static {
		live[v] = t
	}
	static, needed := p.g.Static(), p.g.Live()
	out := map[string]*Tensor{}
	for _, v := range p.g.Values {
		if static[v] || !needed[v] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, err := p.step(v, live, inputs)
		if err != nil {
			return nil, err
		}
		live[v] = t
		if observe != nil {
			if err := observe(v, t); err != nil {
				return nil, err
			}
		}
		for _, a := range v.Args {
			if a != nil && p.last[a] == v && !p.g.IsOutput(a) {
				delete(live, a)
			}
		}
	}
	for _, o := range p.g.Outputs {
		out[o.Name] = live[o.Value]
	}
	return out, nil
}

func (p *Program) step(v *graph.Value, live map[*graph.Value]*Tensor, inputs map[string]*Tensor) (*Tensor, error) {
	if v.Op == graph.OpInput {
		t := inputs[v.Str("name")]
		if t == nil {
			return nil, fmt.Errorf("interp: no input %q", v.Str("name"))
		}
		if !t.Shape.Same(v.Shape()) || len(t.Data) != v.Shape().Elems() {
			return nil, fmt.Errorf("interp: input %q is %v, want %v", v.Str("name"), t.Shape, v.Shape())
		}
		return t, nil
	}
	args := make([]*Tensor, len(v.Args))
	for i, a := range v.Args {
		if a != nil {
			args[i] = live[a]
		}
	}
	return apply(v, args, nil)
}

// Run compiles and runs g once.
func Run(ctx context.Context, g *graph.Graph, params Params, inputs map[string]*Tensor) (map[string]*Tensor, error) {
	p, err := Compile(ctx, g, params)
	if err != nil {
		return nil, err
	}
	return p.Run(ctx, inputs, nil)
}

// parallel calls f on consecutive ranges of 0 … n−1, one a core.
func parallel(n int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { f(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
}

package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// NotFiniteError says that a run gave numbers that are not finite, twice where it
// was a device's. As long as nobody has found out why, with a Trace, it is ErrLostWork: the
// device is taken not to have done its work.
type NotFiniteError struct{ Fact string }

func (e *NotFiniteError) Error() string { return fmt.Sprintf("%v: %s", ErrLostWork, e.Fact) }
func (e *NotFiniteError) Unwrap() error { return ErrLostWork }

// finite refuses a value of the interpreter that float32 does not hold.
func finite(v *graph.Value, t *interp.Tensor) error {
	if v.Type.DType != graph.F32 {
		return nil
	}
	for i, x := range t.Data {
		if !(math.Abs(x) <= math.MaxFloat32) {
			return &NotFiniteError{fmt.Sprintf("element %d of %v is %v", i, v, x)}
		}
	}
	return nil
}

// Fault is where the numbers of a run cease to be finite, and why that may be.
type Fault struct {
	Value string // the operation, and the parameters that it is made with
	Cause string
}

// MaxHalf is the largest number that float16 holds.
const MaxHalf = 65504

const (
	// maxSquare is what float32 can still square.
	maxSquare = 1.8e19
	// suspect is a parameter or constant that no trained model has.
	suspect = 1e4
)

// Trace finds where the numbers of a run cease to be finite.
type Trace struct {
	graph  *graph.Graph
	inputs map[string]*interp.Tensor
	params Params
	half   bool
	fault  *Fault
	large  *Fault // the first value whose squares float32 does not hold
}

// NewTrace takes a graph, best as it was before the passes, when its operations are
// the model's, and a copy of the inputs.
func NewTrace(g *graph.Graph, in Inputs) (*Trace, error) {
	t := &Trace{graph: g, inputs: map[string]*interp.Tensor{}}
	for _, v := range g.Values {
		if v.Op != graph.OpInput {
			continue
		}
		name := v.Str("name")
		x, err := in[name].reference(v.Type)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", name, err)
		}
		t.inputs[name] = x
	}
	return t, nil
}

// Run runs the graph in the interpreter and tells where numbers cease to be finite, or
// to fit the format in which a device stores them; half says that tokens are float16.
// It is nil where the interpreter finds nothing, so that the fault is the device's.
func (t *Trace) Run(ctx context.Context, params Params, half bool) (*Fault, error) {
	t.params, t.half = params, half
	p, err := interp.Compile(ctx, t.graph, Typed(params))
	if err != nil {
		return nil, err
	}
	if _, err := p.Run(ctx, t.inputs, t.look); err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	if t.fault == nil {
		t.fault = t.large
	}
	return t.fault, nil
}

var errFound = errors.New("found")

// look is shown each value as the interpreter computes it.
func (t *Trace) look(v *graph.Value, x *interp.Tensor) error {
	if v.Type.DType != graph.F32 {
		return nil
	}
	most := largest(x.Data)
	switch {
	case !(most <= math.MaxFloat32):
		t.fault = &Fault{describe(v), t.cause(v)}
	case t.half && len(v.Shape()) == 3 && most > MaxHalf:
		t.fault = &Fault{describe(v), fmt.Sprintf("it has values up to %.3g, and float16 holds none above %d: use --precision fp32", most, MaxHalf)}
	case most > maxSquare && t.large == nil:
		t.large = &Fault{describe(v), t.cause(v)}
	}
	if t.fault != nil {
		return errFound
	}
	return nil
}

// largestOf is the largest number of a type that weights are stored in.
func largestOf(t graph.DType) float64 {
	if t == graph.F16 {
		return MaxHalf
	}
	return math.MaxFloat32
}

// largest is the largest magnitude, NaN where one is.
func largest(list []float64) float64 {
	most := 0.0
	for _, x := range list {
		most = max(most, math.Abs(x))
	}
	return most
}

// cause looks among what v is made of for the constant or parameter that no trained
// model has, and names the largest.
func (t *Trace) cause(v *graph.Value) string {
	if v.Op == graph.OpInput {
		return "it was given so"
	}
	worst, what := suspect, ""
	consider := func(x float64, name string) {
		if a := math.Abs(x); !(a <= worst) {
			worst, what = a, fmt.Sprintf("%s is %.3g", name, x)
		}
	}
	for _, a := range madeOf(v) {
		for name, value := range a.Attrs {
			switch x := value.(type) {
			case float64:
				consider(x, fmt.Sprintf("the %s of %s", name, describe(a)))
			case []float64:
				for _, x := range x {
					if name == "std" {
						x = 1 / x
						consider(x, "1/std of the input")
					} else {
						consider(x, "the input's "+name)
					}
				}
			}
		}
		if a.Op != graph.OpParam {
			continue
		}
		data, err := t.params(a.Str("name"))
		if err != nil {
			continue
		}
		for i, x := range data {
			consider(x, fmt.Sprintf("element %d of tensor %q", i, a.Str("name")))
		}
	}
	if what == "" {
		return "no parameter or constant that it is made of exceeds 1e4: values grow from operation to operation"
	}
	return "the likely cause is that " + what
}

// madeOf is v and all that it depends on.
func madeOf(v *graph.Value) []*graph.Value {
	seen := map[*graph.Value]bool{}
	var list []*graph.Value
	var add func(v *graph.Value)
	add = func(v *graph.Value) {
		if v == nil || seen[v] {
			return
		}
		seen[v] = true
		for _, a := range v.Args {
			add(a)
		}
		list = append(list, v)
	}
	add(v)
	return list
}

// describe names an operation by the parameters that it is made with, whose names
// say which layer it is of, or by the operation before it.
func describe(v *graph.Value) string {
	switch v.Op {
	case graph.OpInput, graph.OpParam:
		return fmt.Sprintf("%s %q", v.Op, v.Str("name"))
	}
	var names []string
	for _, a := range v.Args {
		if a == nil {
			continue
		}
		if p := parameters(a); p != nil {
			names = append(names, p...)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		return fmt.Sprintf("%s with %s", v.Op, strings.Join(slices.Compact(names), ", "))
	}
	for _, a := range v.Args {
		if a != nil {
			return fmt.Sprintf("%s of %s", v.Op, describe(a))
		}
	}
	return v.Op.String()
}

// parameters are the names of those that a value is made of, nil where it depends on
// inputs.
func parameters(v *graph.Value) []string {
	var names []string
	for _, a := range madeOf(v) {
		switch a.Op {
		case graph.OpInput:
			return nil
		case graph.OpParam:
			names = append(names, a.Str("name"))
		}
	}
	return names
}

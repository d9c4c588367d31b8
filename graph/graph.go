package graph

import (
	"fmt"
	"slices"
)

// Graph is a computation: values in topological order, and the ones that are
// read, by name.
type Graph struct {
	Name    string
	Values  []*Value
	Outputs []Output
}

// Output is a value that the caller reads. A rewrite may replace the value but
// never changes what it means.
type Output struct {
	Name  string
	Value *Value
}

// Value is one operation and its result.
type Value struct {
	ID    int
	Op    Op
	Args  []*Value // as many as the op names; nil where an optional one is absent
	Attrs Attrs
	Type  Type
}

// Shape is the shape of v's type.
func (v *Value) Shape() Shape { return v.Type.Shape }

// Arg is the argument with that name in the op table, nil when absent.
func (v *Value) Arg(name string) *Value {
	for i, a := range v.Op.Info().Args {
		if a.Name == name && i < len(v.Args) {
			return v.Args[i]
		}
	}
	return nil
}

func (v *Value) String() string { return fmt.Sprintf("v%d %s", v.ID, v.Op) }

// New appends a value whose type is inferred. The arguments must belong to g;
// trailing optional ones may be left out.
func (g *Graph) New(op Op, attrs Attrs, args ...*Value) (*Value, error) {
	v := &Value{ID: g.nextID(), Op: op, Args: args, Attrs: attrs.clone()}
	info := op.Info()
	if info.infer == nil {
		return nil, fmt.Errorf("graph: %s has no inferred type: use Source", op)
	}
	for len(v.Args) < len(info.Args) {
		v.Args = append(v.Args, nil)
	}
	t, err := infer(v)
	if err != nil {
		return nil, err
	}
	v.Type = t
	g.Values = append(g.Values, v)
	return v, nil
}

// Source appends a value without arguments whose type is declared: an input, a
// parameter or a constant.
func (g *Graph) Source(op Op, t Type, attrs Attrs) (*Value, error) {
	if len(op.Info().Args) != 0 {
		return nil, fmt.Errorf("graph: %s is not a source", op)
	}
	v := &Value{ID: g.nextID(), Op: op, Attrs: attrs.clone(), Type: t}
	if err := checkAttrs(v); err != nil {
		return nil, err
	}
	g.Values = append(g.Values, v)
	return v, nil
}

func (g *Graph) nextID() int {
	if len(g.Values) == 0 {
		return 0
	}
	id := 0
	for _, v := range g.Values {
		id = max(id, v.ID+1)
	}
	return id
}

// Output is the value read under that name, nil if there is none.
func (g *Graph) Output(name string) *Value {
	for _, o := range g.Outputs {
		if o.Name == name {
			return o.Value
		}
	}
	return nil
}

// Users maps each value to the values that take it as an argument, in order.
func (g *Graph) Users() map[*Value][]*Value {
	users := make(map[*Value][]*Value, len(g.Values))
	for _, v := range g.Values {
		for i, a := range v.Args {
			if a != nil && !slices.Contains(v.Args[:i], a) {
				users[a] = append(users[a], v)
			}
		}
	}
	return users
}

// IsOutput reports whether v is read by the caller.
func (g *Graph) IsOutput(v *Value) bool {
	return slices.ContainsFunc(g.Outputs, func(o Output) bool { return o.Value == v })
}

// Static is the set of values that depend on parameters and constants alone.
func (g *Graph) Static() map[*Value]bool {
	static := make(map[*Value]bool)
	for _, v := range g.Values {
		s := v.Op != OpInput
		for _, a := range v.Args {
			s = s && (a == nil || static[a])
		}
		if s {
			static[v] = true
		}
	}
	return static
}

// Live is the set of values that some output needs.
func (g *Graph) Live() map[*Value]bool {
	live := make(map[*Value]bool, len(g.Values))
	var mark func(v *Value)
	mark = func(v *Value) {
		if v == nil || live[v] {
			return
		}
		live[v] = true
		for _, a := range v.Args {
			mark(a)
		}
	}
	for _, o := range g.Outputs {
		mark(o.Value)
	}
	return live
}

// Sweep drops the values that drop says, restores topological order after
// rewrites appended values, and numbers values by position. The order is
// stable: a swept graph stays as it is. A dropped value that is still needed is
// an error.
func (g *Graph) Sweep(drop func(*Value) bool) error {
	const visiting, done = 1, 2
	state := make(map[*Value]int, len(g.Values))
	order := make([]*Value, 0, len(g.Values))
	var visit func(v *Value) error
	visit = func(v *Value) error {
		if state[v] == done {
			return nil
		}
		if state[v] == visiting {
			return &ArgError{v, "it is its own argument, through others"}
		}
		if drop(v) {
			return &ArgError{v, "it was dropped, but is needed"}
		}
		state[v] = visiting
		for _, a := range v.Args {
			if a == nil {
				continue
			}
			if err := visit(a); err != nil {
				return err
			}
		}
		state[v] = done
		order = append(order, v)
		return nil
	}
	for _, v := range g.Values {
		if drop(v) {
			continue
		}
		if err := visit(v); err != nil {
			return err
		}
	}
	g.Values = order
	for i, v := range g.Values {
		v.ID = i
	}
	return nil
}

// FLOPs is the arithmetic of the dynamic values: 2 for each multiply-add of a
// matrix product. Pointwise work, softmax and padding don't count.
func (g *Graph) FLOPs() int64 {
	static := g.Static()
	var n int64
	for _, v := range g.Values {
		if !static[v] {
			n += v.FLOPs()
		}
	}
	return n
}

// FLOPs is 2 × the multiply-adds of v's matrix products.
func (v *Value) FLOPs() int64 {
	if macs := v.Op.Info().macs; macs != nil {
		return 2 * macs(v)
	}
	return 0
}

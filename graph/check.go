package graph

import (
	"errors"
	"fmt"
)

// Check verifies what every pass must leave behind: values in topological
// order with distinct numbers, arguments and attributes as the op table says,
// types as inference finds them, inputs and outputs with distinct names.
func Check(g *Graph) error {
	if g == nil {
		return errors.New("graph: there is none")
	}
	pos := make(map[*Value]int, len(g.Values))
	ids := make(map[int]bool, len(g.Values))
	inputs := make(map[string]bool, 1)
	for i, v := range g.Values {
		if v == nil {
			return fmt.Errorf("graph: value %d is nil", i)
		}
		if v.Op.Info().Name == "" {
			return &ArgError{v, "is no operation of the table"}
		}
		if ids[v.ID] {
			return &ArgError{v, "its number is taken"}
		}
		ids[v.ID] = true
		for j, a := range v.Args {
			if a == nil {
				continue // infer reports a missing one that is not optional
			}
			if _, ok := pos[a]; !ok {
				return &ArgError{v, fmt.Sprintf("argument %d (%v) does not stand before it", j, a)}
			}
		}
		pos[v] = i
		if v.Op.Info().infer == nil {
			if err := checkSource(v); err != nil {
				return err
			}
			if name := v.Str("name"); v.Op == OpInput && inputs[name] {
				return fmt.Errorf("graph: two inputs are named %q", name)
			} else if v.Op == OpInput {
				inputs[name] = true
			}
			continue
		}
		t, err := infer(v)
		if err != nil {
			return err
		}
		if !t.Same(v.Type) {
			return &ShapeError{v, "its type", v.Shape(), t.String()}
		}
	}
	names := make(map[string]bool, len(g.Outputs))
	for _, o := range g.Outputs {
		if o.Value == nil {
			return fmt.Errorf("graph: output %q has no value", o.Name)
		}
		if _, ok := pos[o.Value]; !ok {
			return fmt.Errorf("graph: output %q is %v, which is not in the graph", o.Name, o.Value)
		}
		if names[o.Name] {
			return fmt.Errorf("graph: two outputs are named %q", o.Name)
		}
		names[o.Name] = true
	}
	return nil
}

// checkSource holds a value whose type is declared against the op table.
func checkSource(v *Value) error {
	if len(v.Args) > 0 {
		return &ArgError{v, fmt.Sprintf("has %d arguments, want none", len(v.Args))}
	}
	if v.Type.DType == InvalidType || int(v.Type.DType) >= len(dtypes) {
		return &ArgError{v, "has no element type"}
	}
	elems := 1
	for _, a := range v.Shape() {
		if a.Size < 1 || elems > maxElems/a.Size {
			return &ShapeError{v, "its type", v.Shape(), fmt.Sprintf("axes of 1 and more, and at most %d elements", maxElems)}
		}
		elems *= a.Size
	}
	return checkAttrs(v)
}

// infer checks arguments and attributes and finds the type of v.
func infer(v *Value) (Type, error) {
	info := v.Op.Info()
	if len(v.Args) != len(info.Args) {
		return Type{}, &ArgError{v, fmt.Sprintf("has %d arguments, want %d", len(v.Args), len(info.Args))}
	}
	for i, a := range info.Args {
		if v.Args[i] == nil && !a.Optional {
			return Type{}, &ArgError{v, "argument " + a.Name + " is missing"}
		}
	}
	if err := checkAttrs(v); err != nil {
		return Type{}, err
	}
	return info.infer(v)
}

package graph

import "slices"

// Clone is a copy of a graph that Check accepts. It shares nothing with it that a
// rewrite changes.
func (g *Graph) Clone() *Graph {
	c := &Graph{Name: g.Name, Values: make([]*Value, len(g.Values)), Outputs: slices.Clone(g.Outputs)}
	copied := make(map[*Value]*Value, len(g.Values))
	for i, v := range g.Values {
		w := &Value{ID: v.ID, Op: v.Op, Args: slices.Clone(v.Args), Attrs: v.Attrs.clone(), Type: Type{v.Type.DType, slices.Clone(v.Type.Shape)}}
		for k, a := range w.Args {
			w.Args[k] = copied[a] // nil where an optional one is absent
		}
		c.Values[i], copied[v] = w, w
	}
	for i := range c.Outputs {
		c.Outputs[i].Value = copied[c.Outputs[i].Value]
	}
	return c
}

package pass

import (
	"maps"

	"github.com/crate-vk/crate-vk/graph"
)

// rewriter makes new values and remembers the first error, so that a rewrite
// reads as the formula it implements.
type rewriter struct {
	g   *graph.Graph
	err error
}

func (r *rewriter) do(op graph.Op, attrs graph.Attrs, args ...*graph.Value) *graph.Value {
	if r.err != nil {
		return nil
	}
	v, err := r.g.New(op, attrs, args...)
	r.err = err
	return v
}

func (r *rewriter) source(op graph.Op, t graph.Type, attrs graph.Attrs) *graph.Value {
	if r.err != nil {
		return nil
	}
	v, err := r.g.Source(op, t, attrs)
	r.err = err
	return v
}

func (r *rewriter) scale(v *graph.Value, by float64) *graph.Value {
	if v == nil {
		return nil
	}
	return r.do(graph.OpScale, graph.Attrs{"by": by}, v)
}

func (r *rewriter) row(v *graph.Value, row int) *graph.Value {
	return r.do(graph.OpSelect, graph.Attrs{"row": row}, v)
}

// plus adds two static vectors either of which may be absent.
func (r *rewriter) plus(a, b *graph.Value) *graph.Value {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return r.do(graph.OpAdd, nil, a, b)
}

// with is a copy of attributes with one more.
func with(attrs graph.Attrs, name string, val any) graph.Attrs {
	c := maps.Clone(attrs)
	if c == nil {
		c = graph.Attrs{}
	}
	c[name] = val
	return c
}

// rewrite calls f on each value that the graph has when it begins, in order. If f
// returns another value, the first one is overwritten with its operation,
// arguments, attributes and type. Whatever refers to the value, be it a user or
// an output, then refers to the new form. The value that f returns must not have
// the first one among its arguments, directly or through others.
func rewrite(g *graph.Graph, f func(r *rewriter, v *graph.Value) *graph.Value) error {
	r := &rewriter{g: g}
	values := g.Values[:len(g.Values):len(g.Values)]
	for _, v := range values {
		w := f(r, v)
		if r.err != nil {
			return r.err
		}
		if w != nil && w != v {
			v.Op, v.Args, v.Attrs, v.Type = w.Op, w.Args, w.Attrs, w.Type
		}
	}
	return nil
}

// replaceLater makes all users of old use new, except those that new itself is
// made of.
func replaceLater(g *graph.Graph, old, new *graph.Value) {
	inner := map[*graph.Value]bool{}
	var mark func(v *graph.Value)
	mark = func(v *graph.Value) {
		if v == nil || v == old || inner[v] {
			return
		}
		inner[v] = true
		for _, a := range v.Args {
			mark(a)
		}
	}
	mark(new)
	for _, v := range g.Values {
		if inner[v] {
			continue
		}
		for i, a := range v.Args {
			if a == old {
				v.Args[i] = new
			}
		}
	}
	for i := range g.Outputs {
		if g.Outputs[i].Value == old {
			g.Outputs[i].Value = new
		}
	}
}

// onlyUser reports whether v has exactly one live user and is not an output.
func onlyUser(g *graph.Graph, v *graph.Value) bool {
	if g.IsOutput(v) {
		return false
	}
	return len(liveUsers(g, v)) == 1
}

// liveUsers are the users of v that some output needs.
func liveUsers(g *graph.Graph, v *graph.Value) []*graph.Value {
	live := g.Live()
	var users []*graph.Value
	for _, u := range g.Users()[v] {
		if live[u] {
			users = append(users, u)
		}
	}
	return users
}

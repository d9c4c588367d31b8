package run

import (
	"fmt"
	"strings"

	"github.com/crate-vk/crate-vk/graph"
)

// expression is the text of a static value: the same for equal computations on
// the same parameters, whatever graph they stand in. Weights are shared by it.
func expression(v *graph.Value) string {
	var b strings.Builder
	var write func(v *graph.Value)
	write = func(v *graph.Value) {
		b.WriteString(v.Op.String())
		b.WriteString(v.AttrText())
		if len(v.Args) == 0 {
			b.WriteString(v.Type.String())
			return
		}
		b.WriteByte('(')
		for i, a := range v.Args {
			if i > 0 {
				b.WriteByte(',')
			}
			if a != nil {
				write(a)
			}
		}
		b.WriteByte(')')
	}
	write(v)
	return b.String()
}

// Params reads a model's parameters by canonical name, in float64.
type Params func(name string) ([]float64, error)

// Typed reads parameters and checks the number of their elements. Its errors are the
// weights'.
func Typed(p Params) func(string, graph.Type) ([]float64, error) {
	return func(name string, t graph.Type) ([]float64, error) {
		x, err := p(name)
		if err == nil && len(x) != t.Shape.Elems() {
			err = fmt.Errorf("tensor %q has %d elements, want %d", name, len(x), t.Shape.Elems())
		}
		if err != nil {
			return nil, weightError(err)
		}
		return x, nil
	}
}

package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// statistics sets the channel means and deviations.
func (e *emission) statistics(v *graph.Value) *emission {
	for i := range 3 {
		e.f(fmt.Sprintf("mean%d", i), v.Floats("mean")[i]).f(fmt.Sprintf("std%d", i), v.Floats("std")[i])
	}
	return e
}

// like is the layout of a static table that is read row by row beside tokens:
// their form and element type.
func (l *lowering) like(t *graph.Value, tokens Layout) Layout {
	s := t.Shape()
	lay := rowsLayout(tokens.Elem, s.Rows(), s.Last(), tokens.Group)
	if tokens.Order == Quads {
		lay.Order, lay.Pitch = Quads, rowPitch(s.Rows())
	}
	return lay
}

// ownScale tells where a head op's row scale comes from: 0 none, 1 its own
// tokens, 2 a buffer.
func (l *lowering) ownScale(v *graph.Value) (mode, buffer, stride int) {
	if _, own := v.Attrs["eps"]; own {
		return 1, -1, 0
	}
	buffer = l.operand(v.Arg("rowscale"))
	if buffer < 0 || l.err != nil {
		return 0, -1, 0
	}
	return 2, buffer, l.Buffers[buffer].Layout.Pitch
}

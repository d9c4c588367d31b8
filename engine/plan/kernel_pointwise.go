package plan

import "github.com/crate-vk/crate-vk/graph"

// pointwise computes the elementwise ops. The second operand of a binary one may
// be a tensor of the same shape, or a static table or vector that repeats.
type pointwise struct {
	code int    // the op's number in pointwise.comp
	by   string // the attribute that the kernel takes as its factor or bound, if any
}

func (pointwise) kernel() string { return "pointwise" }

func (f pointwise) lower(l *lowering, v *graph.Value) bool {
	a := l.operand(v.Args[0])
	if l.err != nil {
		return true
	}
	y := l.result(v)
	lay := l.Buffers[a].Layout
	if out := l.Buffers[y].Layout; lay != out {
		l.fail(v, "the result lies as %v, the argument as %v", out, lay)
		return true
	}
	b, brows := -1, 1
	if len(v.Args) == 2 {
		b, brows = l.second(v, lay)
		if l.err != nil {
			return true
		}
	}
	lanes, quads := l.lanes(), lay.QuadsPerRow()
	across := lay.Order == Rows
	e := l.emit(v, l.variant(v, f.kernel(), lay.Elem == graph.F16)).n("LANES", lanes).n("OP", f.code).flag("ACROSS", across)
	e.n("quads", quads).n("brows", brows).strides("", a).strides("b", b).f("by", v.Float(f.by))
	e.to("a", a).to("b", b).to("y", y)
	axis, each, others := 0, lanes, quads
	if across {
		axis, each, others = 1, 1, ceil(quads, lanes)
	}
	if brows == 1 || !l.static[v.Args[1]] {
		e.byRows(lay.Rows, each, others, axis)
		return true
	}
	grid := [2]int{others, others} // a row has to know its number
	grid[axis] = ceil(lay.Rows, each)
	e.n("rows", lay.Rows).spread(grid[0], grid[1], axis)
	return true
}

// second is the buffer of the second operand and the rows after which it
// repeats.
func (l *lowering) second(v *graph.Value, a Layout) (buffer, rows int) {
	b := v.Args[1]
	if !l.static[b] {
		buffer = l.operand(b)
		if l.err == nil && l.Buffers[buffer].Layout != a {
			l.fail(v, "the operands lie differently: %v and %v", a, l.Buffers[buffer].Layout)
		}
		return buffer, a.Rows
	}
	s := b.Shape()
	if s.Last() != a.Columns || a.Rows%s.Rows() != 0 {
		l.fail(v, "no kernel repeats %v over %v", s, v.Shape())
		return -1, 1
	}
	return l.weight(b, l.like(b, a)), s.Rows()
}

func (pointwise) rebuild(b *caseBuilder) *graph.Value {
	v := b.v
	c, n := b.shrunk(v.Shape().Last()), b.rows(8)
	a := b.tokens("a", v.Args[0], n, c)
	switch {
	case len(v.Args) == 1:
		return b.Do(v.Op, v.Attrs, a)
	case len(v.Args[1].Shape()) == 1:
		return b.Do(v.Op, nil, a, b.arg("b", "C", c))
	case b.static[v.Args[1]]:
		return b.Do(v.Op, nil, a, b.arg("b", "T", n, "C", c))
	}
	return b.Do(v.Op, nil, a, b.tokens("b", v.Args[1], n, c))
}

package plan

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// Case is a self-test of a kernel variant: a small graph that, planned with
// Options, runs the variant with the same specialization constants as the
// dispatch that it was made for. Its output y is that kernel's; the
// interpreter says what it must be.
type Case struct {
	Graph   *graph.Graph
	Options Options
}

// Centred reports an input of which each row adds up to zero.
func (c *Case) Centred(name string) bool {
	for v := range c.Options.centred {
		if v.Str("name") == name {
			return true
		}
	}
	return false
}

// CaseSize varies the sizes of a case.
type CaseSize struct {
	Rows  int // tokens or rows; 0: a bit more than two tiles
	Extra int // 16 channels more each, beyond the fewest that keep the constants
}

// CaseOf makes the case of dispatch d of plan p.
func CaseOf(p *Plan, d *Dispatch, size CaseSize) (*Case, error) {
	c, err := d.Constants()
	if err != nil {
		return nil, err
	}
	v := p.Value(d.Value)
	f := formOf(p, d)
	if f == nil {
		return nil, fmt.Errorf("plan: %s computes value %d, whose op it is no kernel of", d.Kernel.Name, d.Value)
	}
	b := &caseBuilder{Builder: graph.NewBuilder("case"), p: p, v: v, static: p.Graph.Static(), c: c, size: size, groups: map[*graph.Value]int{}, wide: map[*graph.Value]bool{}, centred: map[*graph.Value]bool{}}
	b.Output("y", f.rebuild(b))
	g, err := b.Graph()
	if err != nil {
		return nil, fmt.Errorf("plan: case for %v: %w", v, err)
	}
	return &Case{g, Options{Family: p.Family, Precision: p.Precision, Choices: ChoicesOf(d), only: d.Kernel, groups: b.groups, wide: b.wide, centred: b.centred}}, nil
}

// caseBuilder rebuilds one value over inputs and parameters of smaller sizes.
type caseBuilder struct {
	*graph.Builder
	p      *Plan
	v      *graph.Value
	static map[*graph.Value]bool
	c      func(string) int // the dispatch's constants
	size   CaseSize
	n      int // arguments made so far
	groups map[*graph.Value]int
	wide   map[*graph.Value]bool // float32 at any precision

	centred map[*graph.Value]bool // inputs whose rows add up to zero
}

// fresh is a new input.
func (b *caseBuilder) fresh(name string, t graph.Type) *graph.Value {
	b.n++
	return b.Input(fmt.Sprintf("%s%d", name, b.n), t)
}

// arg is an input or a parameter in the place of the value's argument; nil
// where that is absent.
func (b *caseBuilder) arg(name string, axes ...any) *graph.Value {
	a := b.v.Arg(name)
	if a == nil {
		return nil
	}
	t := graph.F32Type(axes...)
	if b.static[a] {
		b.n++
		return b.Param(fmt.Sprintf("%s%d", name, b.n), t)
	}
	return b.stand(name, a, t)
}

// stand is an input in the place of a value of the plan, stored as that is: as
// tokens or not, and where those are float16 as float32, if it is.
func (b *caseBuilder) stand(name string, original *graph.Value, t graph.Type) *graph.Value {
	if len(t.Shape) == 3 && t.Shape[1].Name == "N" && !isTokens(original) {
		t.Shape[1].Name = "rows"
	}
	v := b.fresh(name, t)
	if v != nil && b.p.Precision == graph.F16 && isTokens(v) {
		b.wide[v] = slices.ContainsFunc(b.p.Buffers, func(buf Buffer) bool { return buf.Value == original.ID && buf.Layout.Elem == graph.F32 })
	}
	return v
}

// tokens is an argument with as many axes as the original's: [1 N C], or
// [rows C] for one row an image.
func (b *caseBuilder) tokens(name string, original *graph.Value, rows, columns int) *graph.Value {
	if len(original.Shape()) == 2 {
		return b.arg(name, "B", rows, "C", columns)
	}
	return b.arg(name, "B", 1, "N", rows, "C", columns)
}

// pad makes the channels of a value of the case begin at a quad group by group.
func (b *caseBuilder) pad(v *graph.Value, group int) {
	if v != nil {
		b.groups[v] = group
	}
}

// rows is the number of rows of the case: a bit more than two of the kernel's
// tiles, unless the size says otherwise.
func (b *caseBuilder) rows(tile int) int {
	if b.size.Rows > 0 {
		return b.size.Rows
	}
	return 2*max(tile, 1) + 3
}

// shrunk is a smaller number of channels with the same remainder modulo 16,
// which decides about the tails of loops.
func (b *caseBuilder) shrunk(n int) int {
	if n > 32 {
		n = 32 + n%16
	}
	return n + 16*b.size.Extra
}

// groupOf is how the channels of a value of the plan are padded: in groups of so
// many.
func (b *caseBuilder) groupOf(v *graph.Value) int {
	for _, buf := range b.p.Buffers {
		if buf.Value == v.ID && buf.Layout.Order != Panels {
			return buf.Layout.Group
		}
	}
	return v.Shape().Last()
}

// channels is a smaller number of channels for a value of the plan that is
// padded as the value is: a channel count of the same remainder modulo 16, or
// groups whose padded channels have it.
func (b *caseBuilder) channels(v *graph.Value) (n, group int) {
	c, group := v.Shape().Last(), b.groupOf(v)
	if group == c {
		n = b.shrunk(c)
		return n, n
	}
	groups := c / group
	if groups > 4 {
		groups = 4 + groups%4
	}
	return group * (groups + 4*b.size.Extra), group
}

// atLeast is at least n channels, padded as those of the value are.
func (b *caseBuilder) atLeast(v *graph.Value, n int) (channels, group int) {
	c, group := v.Shape().Last(), b.groupOf(v)
	if group == c {
		return n, n
	}
	return group * ceil(n, group), group
}

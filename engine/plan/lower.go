package plan

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Lower chooses kernels and layouts: one dispatch, seldom more, for each
// dynamic value, in graph order.
func Lower(g *graph.Graph, lim Limits, opt Options) (*Plan, error) {
	if err := lim.Check(); err != nil {
		return nil, err
	}
	if opt.Family == "" {
		opt.Family = FamilyFor(lim)
	}
	if opt.Precision == graph.InvalidType {
		opt.Precision = graph.F32
	}
	if opt.Precision == graph.F16 && !lim.Storage16 {
		return nil, &LimitError{-1, "", fmt.Sprintf("%s has no 16-bit storage: use fp32", lim.Device)}
	}
	if opt.Family == Lanes && !lim.Shuffle {
		return nil, &LimitError{-1, "", fmt.Sprintf("%s has no subgroup shuffles, which the lanes family needs", lim.Device)}
	}
	l := &lowering{
		Plan: &Plan{Graph: g, Family: opt.Family, Precision: opt.Precision}, lim: lim, opt: opt,
		static: g.Static(), users: g.Users(), dynamic: map[*graph.Value]int{}, weights: map[weightKey]int{}, cuts: map[int][]int{},
	}
	for _, v := range g.Values {
		if !l.static[v] {
			l.value(v)
		}
		if l.err != nil {
			return nil, l.err
		}
	}
	if err := l.outputs(); err != nil {
		return nil, err
	}
	l.settle()
	return l.Plan, nil
}

type lowering struct {
	*Plan
	lim     Limits
	opt     Options
	static  map[*graph.Value]bool
	users   map[*graph.Value][]*graph.Value
	dynamic map[*graph.Value]int
	parts   map[*graph.Value][]int // values in several buffers
	cuts    map[int][]int          // buffers that stand for several
	weights map[weightKey]int
	err     error
}

type weightKey struct {
	value  *graph.Value
	layout Layout
}

func (l *lowering) fail(v *graph.Value, format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf("plan: %v: %s", v, fmt.Sprintf(format, args...))
	}
}

// value lowers v by the first of its op's forms that suits.
func (l *lowering) value(v *graph.Value) {
	if v.Op == graph.OpInput {
		l.input(v)
		return
	}
	only := slices.ContainsFunc(forms(v.Op), l.isOnly)
	for _, f := range forms(v.Op) {
		if only && !l.isOnly(f) {
			continue
		}
		if f.lower(l, v) || l.err != nil {
			return
		}
	}
	l.fail(v, "no kernel computes it")
}

// isOnly reports the form that a self-test is for.
func (l *lowering) isOnly(f form) bool {
	return l.opt.only != nil && l.opt.only.Kernel.Name == f.kernel()
}

// isTokens reports a tensor with a token axis: what is stored in the family's
// layout and, at half precision, in float16.
func isTokens(v *graph.Value) bool {
	s := v.Shape()
	return len(s) == 3 && s[1].Name == "N" && s[2].Name != "one"
}

// group is the number of channels that are padded to quads together: a head's,
// where the value is read or written head by head and the head dimension is no
// multiple of four; else all.
func (l *lowering) group(v *graph.Value) int {
	if p := l.unpadded(v); p%4 != 0 {
		return p
	}
	return v.Shape().Last()
}

// unpadded is the number of channels that have to begin at a quad: those of a
// head, or all.
func (l *lowering) unpadded(v *graph.Value) int {
	if p, ok := l.opt.groups[v]; ok {
		return p
	}
	switch info := v.Op.Info(); {
	case info.HeadsOut && (v.Heads() > 1 || !info.SameChannels):
		return v.Shape().Last() / v.Heads()
	case info.SameChannels:
		return l.group(v.Args[0])
	}
	return l.asRead(v)
}

// asRead is what the users of v ask for.
func (l *lowering) asRead(v *graph.Value) int {
	c := v.Shape().Last()
	p := c
	for _, u := range l.users[v] {
		if u.ReadsByHead(v) && u.Heads() > 1 {
			p = c / u.Heads()
		}
		if u.Op.Info().OneRow {
			if row := l.asRead(u); row != c {
				p = row
			}
		}
	}
	return p
}

// layout is where and how a dynamic value is stored.
func (l *lowering) layout(v *graph.Value) Layout {
	s := v.Shape()
	if t := v.Type.DType; t == graph.U8 || t == graph.U32 {
		return Layout{Order: Words, Elem: t, Rows: s.Rows(), Columns: s.Last(), Group: s.Last()}
	}
	elem := graph.F32
	if isTokens(v) && v.Op != graph.OpUnitRows && !l.opt.wide[v] { // comparisons with τ want float32
		elem = storageElem(l.opt.Precision)
	}
	lay := rowsLayout(elem, s.Rows(), s.Last(), l.group(v))
	// linear_lanes reads and writes k-major, also the few rows of a [B C].
	if l.opt.Family == Lanes && (isTokens(v) || len(s) == 2) {
		lay.Order, lay.Pitch = Quads, rowPitch(s.Rows())
	}
	return lay
}

// result is the buffer of a value that a dispatch will write. Forms that are
// tried one after another share it.
func (l *lowering) result(v *graph.Value) int {
	if b, ok := l.dynamic[v]; ok {
		return b
	}
	lay := l.layout(v)
	b := l.buffer(Scratch, v, lay, Range{0, lay.Rows})
	l.dynamic[v] = b
	l.cut(b)
	return b
}

func (l *lowering) buffer(role Role, v *graph.Value, lay Layout, rows Range) int {
	l.Buffers = append(l.Buffers, Buffer{Role: role, Value: v.ID, Layout: lay, Rows: rows})
	return len(l.Buffers) - 1
}

// operand is the buffer of a dynamic argument, −1 when it is absent.
func (l *lowering) operand(v *graph.Value) int {
	if v == nil {
		return -1
	}
	b, ok := l.dynamic[v]
	if !ok {
		l.fail(v, "is needed as a tensor of one buffer, but has none")
	}
	return b
}

// weight is the buffer of a static argument in a layout, −1 when it is absent.
func (l *lowering) weight(v *graph.Value, lay Layout) int {
	if v == nil {
		return -1
	}
	if !l.static[v] {
		l.fail(v, "is not static, but is used as a weight")
		return -1
	}
	key := weightKey{v, lay}
	b, ok := l.weights[key]
	if !ok {
		b = l.buffer(Weight, v, lay, Range{0, lay.Rows})
		l.weights[key] = b
	}
	return b
}

func (l *lowering) input(v *graph.Value) {
	lay := l.layout(v)
	l.dynamic[v] = l.buffer(Input, v, lay, Range{0, lay.Rows})
}

func (l *lowering) outputs() error {
	for _, o := range l.Graph.Outputs {
		bufs := l.parts[o.Value]
		if b, ok := l.dynamic[o.Value]; ok {
			if bufs = l.cuts[b]; bufs == nil {
				bufs = []int{b}
			}
		}
		if bufs == nil {
			return fmt.Errorf("plan: output %q is %v, which nothing computes at run time", o.Name, o.Value)
		}
		l.Outputs = append(l.Outputs, Output{o.Name, slices.Clone(bufs)})
	}
	return l.err
}

// hasUsers reports that another value reads v.
func (l *lowering) hasUsers(v *graph.Value) bool { return len(l.users[v]) > 0 }

// half reports a buffer of float16.
func (l *lowering) half(b int) bool { return b >= 0 && l.Buffers[b].Layout.Elem == graph.F16 }

// lanes is the workgroup size of plain kernels.
func (l *lowering) lanes() int {
	if l.lim.Type == Software {
		return max(l.lim.Subgroup, 4)
	}
	return min(64, l.lim.MaxInvocations)
}

// rowVariant is the variant of a kernel that sums rows, its workgroup size, and
// the rows of a workgroup. On GPUs a workgroup shares a row; where
// barriers are dear, or that variant is disabled, an invocation has a row to
// itself.
func (l *lowering) rowVariant(v *graph.Value, f form, half bool) (k *shaders.Variant, lanes, each int) {
	if l.opt.Family == Tiles && !(l.isOnly(f) && !l.opt.only.Has("ROW_BARRIERS")) {
		if k = l.variant(v, f.kernel(), half, ".group"); l.usable(k) {
			return k, min(64, l.lim.MaxInvocations), 1
		}
	}
	lanes = l.lanes()
	return l.variant(v, f.kernel(), half), lanes, lanes
}

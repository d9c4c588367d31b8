package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// Lower chooses kernels and layouts: one dispatch, seldom more, for each
// dynamic value, in graph order.
func Lower(g *graph.Graph, lim Limits, opt Options) (*Plan, error) {
	if opt.Family == "" {
		opt.Family = chooseFamily(lim)
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
		static: g.Static(), users: g.Users(), dynamic: map[*graph.Value]int{}, weights: map[weightKey]int{},
	}
	for _, v := range g.Values {
		if !l.static[v] {
			l.value(v)
		}
		if l.err != nil {
			return nil, l.err
		}
	}
	return l.Plan, l.outputs()
}

type lowering struct {
	*Plan
	lim     Limits
	opt     Options
	static  map[*graph.Value]bool
	users   map[*graph.Value][]*graph.Value
	dynamic map[*graph.Value]int
	parts   map[*graph.Value][]int // values in several buffers
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

// lower maps an op to what lowers it; nil when no kernel computes it.
func lower(op graph.Op) func(*lowering, *graph.Value) {
	switch op {
	case graph.OpInput:
		return (*lowering).input
	case graph.OpNormalise:
		return (*lowering).normalise
	case graph.OpPatchify:
		return (*lowering).patchify
	case graph.OpPixelPatches:
		return (*lowering).pixelPatches
	case graph.OpPrepend:
		return (*lowering).prepend
	case graph.OpEmbed:
		return (*lowering).embed
	case graph.OpSelect:
		return (*lowering).selectRow
	case graph.OpMeanRows:
		return (*lowering).meanRows
	case graph.OpDropRows:
		return (*lowering).dropRows
	case graph.OpLayerNorm, graph.OpStandardise, graph.OpRowScale:
		return (*lowering).layerNorm
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpScale, graph.OpReLU, graph.OpGELU, graph.OpSoft:
		return (*lowering).pointwise
	case graph.OpLinear:
		return (*lowering).linear
	case graph.OpMSSA, graph.OpMHSA:
		return (*lowering).attend
	case graph.OpAttention:
		return (*lowering).attentionMaps
	case graph.OpSoftmax:
		return (*lowering).softmax
	case graph.OpHeadDots:
		return (*lowering).headDots
	case graph.OpHeadQuery:
		return (*lowering).headQuery
	case graph.OpHeadScores:
		return (*lowering).headScores
	case graph.OpHeadMix:
		return (*lowering).headMix
	case graph.OpHeadProject:
		return (*lowering).headProject
	case graph.OpUnitRows:
		return (*lowering).unitRows
	case graph.OpAffinityBits:
		return (*lowering).affinityBits
	case graph.OpHeadGram:
		return (*lowering).headGram
	case graph.OpZeroCount:
		return (*lowering).zeroCount
	}
	return nil
}

// Lowers reports that some kernel computes an op.
func Lowers(op graph.Op) bool { return lower(op) != nil }

func (l *lowering) value(v *graph.Value) {
	f := lower(v.Op)
	if f == nil {
		l.fail(v, "no kernel computes it")
		return
	}
	f(l, v)
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
	c := v.Shape().Last()
	p := c
	switch v.Op {
	case graph.OpMSSA, graph.OpMHSA, graph.OpHeadProject:
		p = c / v.Int("heads")
	case graph.OpUnitRows:
		if h := v.Int("heads"); h > 1 {
			p = c / h
		} else {
			p = l.group(v.Args[0])
		}
	case graph.OpSelect, graph.OpMeanRows, graph.OpDropRows, graph.OpScale, graph.OpReLU, graph.OpGELU, graph.OpSoft, graph.OpAdd, graph.OpSub, graph.OpMul:
		p = l.group(v.Args[0])
	default:
		for _, u := range l.users[v] {
			switch u.Op {
			case graph.OpMSSA, graph.OpMHSA, graph.OpAttention, graph.OpHeadDots, graph.OpHeadGram:
				p = c / u.Int("heads")
			case graph.OpUnitRows:
				if h := u.Int("heads"); h > 1 {
					p = c / h
				}
			case graph.OpHeadQuery:
				if u.Args[0] == v {
					p = c / u.Int("heads")
				}
			case graph.OpSelect: // its row may be read head by head
				if g := l.groupOfRow(u); g != c {
					p = g
				}
			}
		}
	}
	if p%4 == 0 {
		return c
	}
	return p
}

// groupOfRow is the group that users of a selected row ask for.
func (l *lowering) groupOfRow(row *graph.Value) int {
	c := row.Shape().Last()
	for _, u := range l.users[row] {
		if u.Op == graph.OpHeadDots || u.Op == graph.OpHeadQuery && u.Args[0] == row {
			return c / u.Int("heads")
		}
	}
	return c
}

// layout is where and how a dynamic value is stored.
func (l *lowering) layout(v *graph.Value) Layout {
	s := v.Shape()
	if t := v.Type.DType; t == graph.U8 || t == graph.U32 {
		return Layout{Form: Words, Elem: t, Rows: s.Rows(), Columns: s.Last(), Group: s.Last()}
	}
	elem := graph.F32
	if isTokens(v) && v.Op != graph.OpUnitRows { // comparisons with τ want float32
		elem = storageElem(l.opt.Precision)
	}
	lay := rowsLayout(elem, s.Rows(), s.Last(), l.group(v))
	// linear_lanes reads and writes k-major, also the few rows of a [B C].
	if l.opt.Family == Lanes && (isTokens(v) || len(s) == 2) {
		lay.Form, lay.Pitch = Quads, rowPitch(s.Rows())
	}
	return lay
}

// result makes the buffer of a value that a dispatch will write.
func (l *lowering) result(v *graph.Value) int {
	lay := l.layout(v)
	b := l.buffer(Scratch, v, lay, Range{0, lay.Rows})
	l.dynamic[v] = b
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
			bufs = []int{b}
		}
		if bufs == nil {
			return fmt.Errorf("plan: output %q is %v, which nothing computes at run time", o.Name, o.Value)
		}
		l.Outputs = append(l.Outputs, Output{o.Name, bufs})
	}
	return l.err
}

func (l *lowering) half(b int) bool { return b >= 0 && l.Buffers[b].Layout.Elem == graph.F16 }

// lanes is the workgroup size of plain kernels.
func (l *lowering) lanes() int {
	if l.lim.Type == CPU {
		return max(l.lim.Subgroup, 4)
	}
	return min(64, l.lim.MaxInvocations)
}

// rowGroups tells how kernels that sum rows are run: workgroup size, variant
// suffix, and workgroups for a number of rows. Where barriers are dear an
// invocation has a row to itself.
func (l *lowering) rowGroups(rows int) (lanes int, suffix string, groups int) {
	if l.opt.Family == Tiles {
		return min(64, l.lim.MaxInvocations), ".group", rows
	}
	lanes = l.lanes()
	return lanes, "", ceil(rows, lanes)
}

package plan

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// A device binds so many bytes of a buffer to a kernel: 128 MiB at least, and not more on
// many. A tensor that is larger lies in several buffers of consecutive rows, its parts.
// What is computed row by row has a dispatch for each part; other kernels, which look at
// all rows, are refused with the tensor's name and size. Planning goes on as if there were
// one buffer of the whole, until a dispatch is appended.

// leastPart is how many rows a part has at least: every part of a tensor that is in one
// buffer, which begins at a multiple of it, can be bound by itself.
const leastPart = 64

// cut makes the parts of a buffer that is too large to be bound.
func (l *lowering) cut(whole int) {
	b := l.Buffers[whole]
	if b.Layout.Order == Words || b.Layout.Bytes() <= l.lim.MaxStorageRange {
		return
	}
	rows := leastPart
	if partOf(b.Layout, rows).Bytes() > l.lim.MaxStorageRange {
		return // one that no kernel can be given: refused where it is bound
	}
	// Powers of two, so that the parts of one tensor end where some of another's do.
	for partOf(b.Layout, 2*rows).Bytes() <= l.lim.MaxStorageRange {
		rows *= 2
	}
	for from := 0; from < b.Layout.Rows; from += rows {
		n := min(rows, b.Layout.Rows-from)
		l.Buffers = append(l.Buffers, Buffer{Role: b.Role, Value: b.Value, Layout: partOf(b.Layout, n), Rows: Range{from, from + n}})
		l.cuts[whole] = append(l.cuts[whole], len(l.Buffers)-1)
	}
}

// partOf is the layout of so many rows by themselves.
func partOf(lay Layout, rows int) Layout {
	lay.Rows = rows
	if lay.Order == Quads {
		lay.Pitch = rowPitch(rows)
	}
	return lay
}

// pieces are the rows that a dispatch can compute at once: those of the smallest parts
// among its buffers.
func (l *lowering) pieces(bind []int, rows int) []Range {
	var parts []int
	for _, b := range bind {
		if p := l.cuts[b]; len(p) > len(parts) {
			parts = p
		}
	}
	if parts == nil {
		return []Range{{0, rows}}
	}
	var list []Range
	for _, b := range parts {
		list = append(list, l.Buffers[b].Rows)
	}
	return list
}

// from is the buffer that holds some rows of a tensor, and where they begin in it.
func (l *lowering) from(buffer int, rows Range) (part int, at int64) {
	part, first := l.part(buffer, rows.From)
	lay := l.Buffers[part].Layout
	row, _ := lay.Strides()
	return part, int64(rows.From-first) * int64(row) * 4 * int64(lay.Elem.Bytes())
}

// part is the buffer that holds a row of a tensor, and its first row.
func (l *lowering) part(buffer, row int) (part, first int) {
	part = buffer
	for _, b := range l.cuts[buffer] {
		if from := l.Buffers[b].Rows.From; from <= row {
			part, first = b, from
		}
	}
	return part, first
}

// byRows appends the dispatches of a kernel that computes each row from the same row of
// its operands: workgroups of so many rows along one axis of the grid, and so many others
// along the other.
func (e *emission) byRows(rows, each, others, axis int) {
	pieces := e.l.pieces(e.d.Bind, rows)
	for _, r := range pieces {
		x := e
		if len(pieces) > 1 {
			x = e.piece(r, rows)
		}
		n := r.To - r.From
		grid := [2]int{others, others}
		grid[axis] = ceil(n, each)
		x.n("rows", n).spread(grid[0], grid[1], axis)
	}
}

// piece is the dispatch for some of the rows.
func (e *emission) piece(r Range, rows int) *emission {
	x := *e
	constants := append(slices.Clone(e.d.Spec), e.d.Push...)
	x.d.Spec, x.d.Push = constants[:len(e.d.Spec):len(e.d.Spec)], constants[len(e.d.Spec):]
	x.d.Bind, x.d.At = slices.Clone(e.d.Bind), make([]int64, len(e.d.Bind))
	x.d.FLOPs = e.d.FLOPs * int64(r.To-r.From) / int64(rows)
	for slot, b := range e.d.Bind {
		if b < 0 || e.l.Buffers[b].Role == Weight {
			continue
		}
		if e.l.Buffers[b].Layout.Rows != rows {
			e.l.refuse(e.v, b)
		}
		x.d.Bind[slot], x.d.At[slot] = e.l.from(b, r)
	}
	for _, f := range e.follows {
		if e.l.cuts[f.buffer] != nil {
			part, _ := e.l.from(f.buffer, r)
			f.set(&x, e.l.Buffers[part].Layout)
		}
	}
	return &x
}

// refuse says that a kernel needs all of a tensor at once.
func (l *lowering) refuse(v *graph.Value, buffer int) {
	if l.err != nil {
		return
	}
	b := l.Buffers[buffer]
	advice := "take smaller images"
	if images := l.Value(b.Value).Shape()[0].Size; images > 1 {
		advice = "take smaller batches, or smaller images"
	}
	if b.Layout.Elem == graph.F32 && l.opt.Precision == graph.F32 && l.lim.Storage16 {
		advice += ", or fp16"
	}
	whose := ""
	if b.Value != v.ID {
		whose = fmt.Sprintf(" of %v", l.Value(b.Value))
	}
	l.err = &LimitError{-1, "", fmt.Sprintf("%v needs %d MB at once%s, and %s gives a kernel %d MB of a tensor at most: %s",
		v, ceil(int(b.Layout.Bytes()), 1<<20), whose, l.lim.Device, l.lim.MaxStorageRange>>20, advice)}
}

// settle leaves out the buffers that stood for parts.
func (l *lowering) settle() {
	if len(l.cuts) == 0 {
		return
	}
	number, kept := make([]int, len(l.Buffers)), l.Buffers[:0]
	for i, b := range l.Buffers {
		number[i] = len(kept)
		if l.cuts[i] == nil {
			kept = append(kept, b)
		}
	}
	l.Buffers = kept
	renumber := func(list []int) {
		for i, b := range list {
			if b >= 0 {
				list[i] = number[b]
			}
		}
	}
	for i := range l.Dispatches {
		renumber(l.Dispatches[i].Bind)
	}
	for i := range l.Outputs {
		renumber(l.Outputs[i].Buffers)
	}
}

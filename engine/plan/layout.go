package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
)

// Order is how a matrix lies in memory. All but Words hold quads: four
// channels, zero-padded.
type Order uint8

// The orders.
const (
	// Rows is row-major: quad q of row r at r·Pitch + q.
	Rows Order = iota + 1
	// Quads is k-major: quad q of row r at q·Pitch + r.
	Quads
	// Panels is a linear weight [R K] in panels of Panel quads of columns:
	// weight (n, k) stands in panel n/(4·Panel), line k of Lines, column
	// n mod 4·Panel.
	Panels
	// Words is raw bytes in 32-bit words: pixels, or bits.
	Words
)

var orderNames = [...]string{Rows: "rows", Quads: "quads", Panels: "panels", Words: "words"}

func (o Order) String() string { return orderNames[o] }

// Layout maps a matrix of Rows × Columns elements to bytes.
type Layout struct {
	Order   Order
	Elem    graph.DType
	Rows    int
	Columns int
	// Group is the channels of one head, where each head is padded to a
	// multiple of four by itself; else it equals Columns. For Panels it groups
	// the rows of the weight, which are the columns of the product.
	Group int
	Pitch int // quads between rows (Rows) or between quads of a row (Quads)
	Panel int // Panels: quads of a panel
	Lines int // Panels: padded lines of a panel
	// LineGroup groups the lines of Panels as Group does columns.
	LineGroup int
}

func ceil(n, d int) int { return (n + d - 1) / d }

// padded is the number of channels when each group is padded to quads.
func padded(n, group int) int { return n / group * 4 * ceil(group, 4) }

// at is the place of channel c among the padded channels.
func at(c, group int) int { return c/group*4*ceil(group, 4) + c%group }

// QuadsPerRow is the number of quads of one row, padding included.
func (l Layout) QuadsPerRow() int {
	n := l.Columns
	if l.Order == Panels {
		n = l.Rows
	}
	return padded(n, l.Group) / 4
}

// Bytes is the size of the layout.
func (l Layout) Bytes() int64 {
	var quads int64
	switch l.Order {
	case Rows:
		quads = int64(l.Rows) * int64(l.Pitch)
	case Quads:
		quads = int64(l.QuadsPerRow()) * int64(l.Pitch)
	case Panels:
		quads = int64(ceil(l.QuadsPerRow(), l.Panel)) * int64(l.Lines) * int64(l.Panel)
	case Words:
		return int64(ceil(l.Rows*l.Columns*l.Elem.Bytes(), 4)) * 4
	}
	return quads * 4 * int64(l.Elem.Bytes())
}

// Strides are the distances, in quads, between rows and between the quads of a
// row: what the plain kernels take as push constants.
func (l Layout) Strides() (row, quad int) {
	if l.Order == Quads {
		return 1, l.Pitch
	}
	return l.Pitch, 1
}

// element is the index of element (r, c) in the layout.
func (l Layout) element(r, c int) int {
	switch l.Order {
	case Rows:
		return r*l.Pitch*4 + at(c, l.Group)
	case Quads:
		n := at(c, l.Group)
		return (n/4*l.Pitch+r)*4 + n%4
	case Panels:
		n, k := at(r, l.Group), at(c, l.LineGroup)
		width := 4 * l.Panel
		return (n/width*l.Lines+k)*width + n%width
	}
	return r*l.Columns + c
}

// rowsLayout is row-major without gaps between rows.
func rowsLayout(elem graph.DType, rows, columns, group int) Layout {
	return Layout{Order: Rows, Elem: elem, Rows: rows, Columns: columns, Group: group, Pitch: padded(columns, group) / 4}
}

func vectorLayout(columns, group int) Layout { return rowsLayout(graph.F32, 1, columns, group) }

// Pieces calls f for columns from … from+n−1 of a row, in order: at is the element of the
// layout where some of them begin, count how many lie there one behind another.
func (l Layout) Pieces(row, from, n int, f func(at, count int)) {
	for n > 0 {
		at, count := l.element(row, from), 1
		for count < n && l.element(row, from+count) == at+count {
			count++
		}
		f(at, count)
		from, n = from+count, n-count
	}
}

// String prints the layout as key:value pairs, which parseLayout reads.
func (l Layout) String() string {
	s := fmt.Sprintf("%s{elem:%s rows:%d columns:%d group:%d", l.Order, l.Elem, l.Rows, l.Columns, l.Group)
	switch l.Order {
	case Rows, Quads:
		s += fmt.Sprintf(" pitch:%d", l.Pitch)
	case Panels:
		s += fmt.Sprintf(" panel:%d lines:%d linegroup:%d", l.Panel, l.Lines, l.LineGroup)
	}
	return s + "}"
}

package plan

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/graph"
)

// Pack lays out a matrix of l.Rows × l.Columns elements, given row by row, as
// bytes for the device. Numbers are rounded once, to l.Elem.
func (l Layout) Pack(data []float64) ([]byte, error) {
	if len(data) != l.Rows*l.Columns {
		return nil, fmt.Errorf("plan: packing %d elements into %v", len(data), l)
	}
	out := make([]byte, l.Bytes())
	switch l.Elem {
	case graph.U8:
		for i, x := range data {
			out[i] = uint8(x)
		}
	case graph.U32:
		for i, x := range data {
			binary.LittleEndian.PutUint32(out[4*i:], uint32(x))
		}
	case graph.F32:
		l.each(func(i, at int) { binary.LittleEndian.PutUint32(out[4*at:], math.Float32bits(float32(data[i]))) })
	case graph.F16:
		l.each(func(i, at int) { binary.LittleEndian.PutUint16(out[2*at:], graph.ToF16(data[i])) })
	default:
		return nil, fmt.Errorf("plan: packing %v elements", l.Elem)
	}
	return out, nil
}

// Unpack is the inverse of Pack, to float32. Words of 32 bits keep their bits:
// math.Float32bits gives them back.
func (l Layout) Unpack(dst []float32, data []byte) error {
	if int64(len(data)) < l.Bytes() || len(dst) != l.Rows*l.Columns {
		return fmt.Errorf("plan: unpacking %d bytes of %v into %d elements", len(data), l, len(dst))
	}
	switch l.Elem {
	case graph.U32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case graph.F32:
		if l.Order == Rows && l.Pitch*4 == l.Columns { // dense
			for i := range dst {
				dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			}
			return nil
		}
		l.each(func(i, at int) { dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*at:])) })
	case graph.F16:
		l.each(func(i, at int) { dst[i] = graph.F16ToF32(binary.LittleEndian.Uint16(data[2*at:])) })
	default:
		return fmt.Errorf("plan: unpacking %v elements", l.Elem)
	}
	return nil
}

// each calls f with the index of each element and its place in the layout.
func (l Layout) each(f func(i, at int)) {
	if l.Order == Panels {
		for r := range l.Rows {
			for c := range l.Columns {
				f(r*l.Columns+c, l.element(r, c))
			}
		}
		return
	}
	row, quad := l.Strides()
	for c := range l.Columns {
		n := at(c, l.Group)
		from := 4*quad*(n/4) + n%4
		for r := range l.Rows {
			f(r*l.Columns+c, from+4*row*r)
		}
	}
}

// PackFloats lays out float32 elements, given row by row, in memory of the
// device. An element that is finite, but not in float16, is an error where that
// is what the layout holds.
func (l Layout) PackFloats(dst []byte, data []float32) error {
	if int64(len(dst)) < l.Bytes() || len(data) != l.Rows*l.Columns {
		return fmt.Errorf("plan: packing %d elements into %d bytes of %v", len(data), len(dst), l)
	}
	clear(dst)
	switch {
	case l.Elem == graph.F16:
		var err error
		l.each(func(i, at int) {
			h := graph.ToF16(float64(data[i]))
			if x := graph.F16ToF32(h); err == nil && x-x != 0 {
				err = fmt.Errorf("element %d is %v, which float16 does not hold", i, data[i])
			}
			binary.LittleEndian.PutUint16(dst[2*at:], h)
		})
		return err
	case l.Elem != graph.F32:
		return fmt.Errorf("plan: packing floats as %v", l.Elem)
	case l.Order == Rows && l.Group == l.Columns:
		for r := range l.Rows {
			row := dst[16*r*l.Pitch:]
			for c, x := range data[r*l.Columns : (r+1)*l.Columns] {
				binary.LittleEndian.PutUint32(row[4*c:], math.Float32bits(x))
			}
		}
		return nil
	}
	l.each(func(i, at int) { binary.LittleEndian.PutUint32(dst[4*at:], math.Float32bits(data[i])) })
	return nil
}

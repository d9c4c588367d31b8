package pth

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// window is how many bytes are read at once.
const window = 256 << 10

// ReadRaw reads a tensor as [weights.Write] takes it: its name, type and shape,
// and in Raw its elements, little-endian and in row-major order, whatever strides
// the file has.
//
// Errors: fs.ErrNotExist (wrapped) for a name that isn't there,
// [*weights.FormatError] for a NaN or an infinity in F16, BF16, F32 or F64,
// [weights.ErrChanged].
func (f *File) ReadRaw(name string) (weights.Tensor, error) {
	i, err := f.find(name)
	if err != nil {
		return weights.Tensor{}, err
	}
	info := f.infos[i]
	raw, err := f.disk.gather(f.tensors[i])
	if err != nil {
		return weights.Tensor{}, err
	}
	if float(info.DType) {
		if err := f.finite(info, raw); err != nil {
			return weights.Tensor{}, err
		}
	}
	return weights.Tensor{Name: name, DType: info.DType, Shape: slices.Clone(info.Shape), Raw: raw}, nil
}

// ReadF64 reads a tensor of type F16, BF16, F32 or F64, in row-major order. The
// values are exact. Another type is a [*weights.UnsupportedError]; for other
// errors see [File.ReadRaw].
func (f *File) ReadF64(name string) ([]float64, error) {
	i, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if d := f.infos[i].DType; !float(d) {
		return nil, &weights.UnsupportedError{Path: f.disk.path, Tensor: name, What: fmt.Sprintf("is %s, want F16, BF16, F32 or F64", d)}
	}
	t, err := f.ReadRaw(name)
	if err != nil {
		return nil, err
	}
	size := int(width(t.DType))
	v := make([]float64, len(t.Raw)/size)
	for i := range v {
		v[i] = value(t.DType, t.Raw[i*size:])
	}
	return v, nil
}

// float reports whether the type is one that weights have.
func float(d weights.DType) bool {
	return d == weights.F16 || d == weights.BF16 || d == weights.F32 || d == weights.F64
}

// value decodes one element.
func value(d weights.DType, p []byte) float64 {
	le := binary.LittleEndian
	switch d {
	case weights.F16:
		return float64(graph.F16ToF32(le.Uint16(p)))
	case weights.BF16:
		return float64(graph.BF16ToF32(le.Uint16(p)))
	case weights.F32:
		return float64(math.Float32frombits(le.Uint32(p)))
	}
	return math.Float64frombits(le.Uint64(p))
}

// finite refuses a NaN or an infinity: an exponent of all ones.
func (f *File) finite(info Info, raw []byte) error {
	size := int(width(info.DType))
	var ones uint16
	switch info.DType {
	case weights.F16:
		ones = 0x7c00
	case weights.BF16, weights.F32:
		ones = 0x7f80
	case weights.F64:
		ones = 0x7ff0
	}
	for at := 0; at < len(raw); at += size {
		if binary.LittleEndian.Uint16(raw[at+size-2:])&ones == ones {
			return &weights.FormatError{Path: f.disk.path, Tensor: info.Name, What: fmt.Sprintf("element %d %v is %v, want finite numbers",
				at/size, position(at/size, info.Shape), value(info.DType, raw[at:]))}
		}
	}
	return nil
}

// position turns a flat index into one for each dimension.
func position(i int, shape []int) []int {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return at
}

// axis is one dimension of a copy: n steps of so many bytes.
type axis struct{ n, from, to int64 }

// axes returns a tensor's dimensions in the order of the storage, largest stride
// first, those that step as one made one. Neighbours in the storage are then read
// together, and each part of it once, since no two ways lead to one element but by
// strides of 0, which come last.
func (t *tensor) axes() []axis {
	size := width(t.storage.dtype)
	var list []axis
	to := size
	for i := len(t.shape) - 1; i >= 0; i-- {
		if n := t.shape[i]; n != 1 {
			list = append(list, axis{n, t.strides[i] * size, to})
		}
		to *= t.shape[i]
	}
	slices.SortFunc(list, func(a, b axis) int { return cmp.Or(cmp.Compare(b.from, a.from), cmp.Compare(b.to, a.to)) })
	merged := []axis{{1, size, size}}
	for i, a := range slices.Backward(list) {
		inner := &merged[len(merged)-1]
		switch {
		case i == len(list)-1:
			*inner = a
		case a.from == inner.n*inner.from && a.to == inner.n*inner.to:
			inner.n *= a.n
		default:
			merged = append(merged, a)
		}
	}
	slices.Reverse(merged)
	return merged
}

// gather reads a tensor's bytes, row by row.
func (d *disk) gather(t *tensor) ([]byte, error) {
	size, _, _ := t.check()
	c := copier{disk: d, out: make([]byte, size), size: width(t.storage.dtype)}
	if size > 0 {
		c.end = t.storage.begin + t.storage.bytes()
		if err := c.copy(t.axes(), t.storage.begin+t.offset*c.size, 0); err != nil {
			return nil, err
		}
	}
	return c.out, d.unchanged()
}

// copier copies from the file through a window that moves forward.
type copier struct {
	disk  *disk
	out   []byte
	size  int64 // of an element
	end   int64 // of the storage in the file
	buf   []byte
	start int64 // where in the file buf lies
}

// copy copies what the axes, outermost first, reach from byte from of the file, to
// byte to of the result.
func (c *copier) copy(axes []axis, from, to int64) error {
	a := axes[0]
	if len(axes) > 1 {
		for range a.n {
			if err := c.copy(axes[1:], from, to); err != nil {
				return err
			}
			from += a.from
			to += a.to
		}
		return nil
	}
	step := c.size
	if a.from == c.size && a.to == c.size { // a run
		step, a.n = a.n*c.size, 1
		if step >= window {
			return c.disk.readAt(c.out[to:to+step], from)
		}
	}
	for range a.n {
		p, err := c.at(from, step)
		if err != nil {
			return err
		}
		copy(c.out[to:to+step], p)
		from += a.from
		to += a.to
	}
	return nil
}

// at returns the n bytes at byte off of the file, at most a window's.
func (c *copier) at(off, n int64) ([]byte, error) {
	if off < c.start || off+n > c.start+int64(len(c.buf)) {
		if c.buf == nil {
			c.buf = make([]byte, min(c.end-off, window)) // the first read is the longest
		}
		c.buf = c.buf[:min(c.end-off, int64(cap(c.buf)))]
		c.start = off
		if err := c.disk.readAt(c.buf, off); err != nil {
			return nil, err
		}
	}
	return c.buf[off-c.start:][:n], nil
}

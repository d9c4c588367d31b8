package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// DType is the type of one element.
type DType uint8

// The element types. F32 is what graphs compute with; a plan may store an F32
// value as F16. U8 holds pixels.
const (
	InvalidType DType = iota
	F32
	F16
	U8
	U32
)

var dtypes = [...]struct {
	name  string
	bytes int
}{InvalidType: {"invalid", 0}, F32: {"f32", 4}, F16: {"f16", 2}, U8: {"u8", 1}, U32: {"u32", 4}}

func (d DType) String() string {
	if int(d) >= len(dtypes) {
		d = InvalidType
	}
	return dtypes[d].name
}

// Bytes is the size of one element in bytes.
func (d DType) Bytes() int { return dtypes[d].bytes }

// ParseDType is the inverse of DType.String.
func ParseDType(s string) (DType, error) {
	for d, info := range dtypes {
		if DType(d) != InvalidType && info.name == s {
			return DType(d), nil
		}
	}
	return InvalidType, fmt.Errorf("unknown element type %q", s)
}

// Axis is one dimension of a shape. Type checks look at sizes alone. Names are for
// readers and dumps, with one exception: package engine/plan stores a value of
// three axes as tokens if the second one is named N and the third is not named one.
type Axis struct {
	Name string
	Size int
}

// Shape is a list of axes, slowest first. The empty shape is a scalar.
type Shape []Axis

// Dims makes a shape from alternating names and sizes: Dims("B", 8, "C", 768).
func Dims(pairs ...any) Shape {
	s := make(Shape, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		s = append(s, Axis{pairs[i].(string), pairs[i+1].(int)})
	}
	return s
}

// Elems is the number of elements.
func (s Shape) Elems() int {
	n := 1
	for _, a := range s {
		n *= a.Size
	}
	return n
}

// Rows is the product of all axes but the last: the number of rows when the
// value is seen as a matrix.
func (s Shape) Rows() int {
	if len(s) == 0 {
		return 1
	}
	return s[:len(s)-1].Elems()
}

// Last is the size of the last axis, 1 for a scalar.
func (s Shape) Last() int {
	if len(s) == 0 {
		return 1
	}
	return s[len(s)-1].Size
}

// Sizes are the axis sizes without names.
func (s Shape) Sizes() []int {
	n := make([]int, len(s))
	for i, a := range s {
		n[i] = a.Size
	}
	return n
}

// Same reports whether two shapes have the same sizes; names may differ.
func (s Shape) Same(t Shape) bool {
	return slices.EqualFunc(s, t, func(a, b Axis) bool { return a.Size == b.Size })
}

// WithLast is a copy of s whose last axis is a.
func (s Shape) WithLast(a Axis) Shape {
	t := slices.Clone(s)
	t[len(t)-1] = a
	return t
}

// String prints sizes alone, as error messages want them: [8 785 768].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, a := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(a.Size))
	}
	b.WriteByte(']')
	return b.String()
}

// Type is what a value holds.
type Type struct {
	DType DType
	Shape Shape
}

// F32Type is the common case: a float tensor with the axes given as for Dims.
func F32Type(pairs ...any) Type { return Type{F32, Dims(pairs...)} }

// Same reports equal element types and sizes.
func (t Type) Same(u Type) bool { return t.DType == u.DType && t.Shape.Same(u.Shape) }

// String prints element type, axis names and sizes: f32[B:8 N:785 C:768].
func (t Type) String() string {
	var b strings.Builder
	b.WriteString(t.DType.String())
	b.WriteByte('[')
	for i, a := range t.Shape {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s:%d", a.Name, a.Size)
	}
	b.WriteByte(']')
	return b.String()
}

// ParseType is the inverse of Type.String.
func ParseType(s string) (Type, error) {
	name, rest, ok := strings.Cut(s, "[")
	if !ok || !strings.HasSuffix(rest, "]") {
		return Type{}, fmt.Errorf("type %q: want dtype[axis:size ...]", s)
	}
	d, err := ParseDType(name)
	if err != nil {
		return Type{}, err
	}
	t := Type{DType: d, Shape: Shape{}}
	elems := 1
	axes := strings.Fields(strings.TrimSuffix(rest, "]"))
	if len(axes) > maxAxes {
		return Type{}, fmt.Errorf("type of %d axes, want at most %d", len(axes), maxAxes)
	}
	for _, f := range axes {
		axis, size, ok := strings.Cut(f, ":")
		n, err := strconv.Atoi(size)
		if !ok || err != nil || n < 1 || axis == "" {
			return Type{}, fmt.Errorf("type %q: axis %q: want name:size", s, f)
		}
		if elems > maxElems/n {
			return Type{}, fmt.Errorf("type %q: more than %d elements", s, maxElems)
		}
		elems *= n
		t.Shape = append(t.Shape, Axis{axis, n})
	}
	return t, nil
}

// maxAxes bounds a parsed type.
const maxAxes = 16

// maxElems bounds a parsed type, so that products of sizes never overflow.
const maxElems = 1 << 40

package weights

import "math/bits"

// DType is a tensor's element type, spelled as in a safetensors header.
type DType string

// The types that can be read and written. A file may hold tensors of the
// format's other types; only reading one of those is an error.
const (
	F16  DType = "F16"
	BF16 DType = "BF16"
	F32  DType = "F32"
	F64  DType = "F64"
)

// bits returns the size of one element in bits, 0 for a type that the format
// doesn't know. Source: enum Dtype of the safetensors reference implementation.
func (d DType) bits() uint64 {
	switch d {
	case "F4":
		return 4
	case "F6_E2M3", "F6_E3M2":
		return 6
	case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0":
		return 8
	case F16, BF16, "U16", "I16":
		return 16
	case F32, "U32", "I32":
		return 32
	case F64, "U64", "I64", "C64":
		return 64
	}
	return 0
}

// Float reports whether elements of the type can be read and written.
func (d DType) Float() bool {
	switch d {
	case F16, BF16, F32, F64:
		return true
	}
	return false
}

// elements multiplies the dimensions of a shape; a shape of rank 0 has one
// element. ok is false if the product, in the order of the dimensions, exceeds
// what an int64 holds or a dimension is negative.
func elements(shape []int) (n int64, ok bool) {
	p := uint64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(p, uint64(d))
		if hi != 0 || int64(lo) < 0 {
			return 0, false
		}
		p = lo
	}
	return int64(p), true
}

// byteSize returns the size in bytes of n elements of a type. ok is false if it
// exceeds an int64 or isn't a whole number of bytes.
func byteSize(n int64, d DType) (size int64, ok bool) {
	hi, lo := bits.Mul64(uint64(n), d.bits())
	if hi != 0 || int64(lo) < 0 || lo%8 != 0 {
		return 0, false
	}
	return int64(lo / 8), true
}

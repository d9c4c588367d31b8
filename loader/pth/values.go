package pth

import "github.com/crate-vk/crate-vk/loader/weights"

// The values of a pickle. Besides these: nil (None), bool, int64, float64, string.
type (
	// sequence is a list or a tuple.
	sequence struct {
		items []any
		tuple bool
	}

	// mapping is a dictionary of any kind, or an object whose attributes are plain
	// data.
	mapping struct {
		pairs  []any // keys and values in turn
		object bool
	}

	// global is a Python name from the list of those that are understood.
	global struct {
		kind  kind
		dtype weights.DType // of a storage class
	}

	// long is an integer that an int64 can't hold: two's complement, little-endian.
	long string

	// inert stands for a value that is of no use here: bytes, a set, a device.
	inert struct{}

	// hole is an entry of the memo that was never set.
	hole struct{}

	// storage is an array of numbers in the file.
	storage struct {
		dtype weights.DType
		key   string
		count int64 // elements
		begin int64 // where in the file they start
	}

	// tensor is a view of a storage. It is checked when its name is known.
	tensor struct {
		storage *storage
		offset  int64 // in elements, like the strides
		shape   []int64
		strides []int64
	}
)

// width returns the bytes of an element.
func width(d weights.DType) int64 {
	switch d {
	case "BOOL", "U8", "I8":
		return 1
	case weights.F16, weights.BF16, "I16":
		return 2
	case weights.F32, "I32":
		return 4
	case weights.F64, "I64", "C64":
		return 8
	}
	panic("pth: no width for element type " + string(d)) // global storages have the types above
}

package vk

// Options of Open.
type Options struct {
	// Validation loads the Khronos validation layer, with synchronization
	// validation. The messages are read with Messages.
	Validation bool
	// VectorBits asks llvmpipe for vectors of that many bits (128, 256, 512),
	// by setting LP_NATIVE_VECTOR_WIDTH before the driver is loaded, unless the
	// user has set it. The driver reads it once a process. 0 leaves it alone.
	VectorBits int
	// Faults, if not nil, counts calls and makes one fail.
	Faults *Faults
}

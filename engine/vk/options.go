package vk

import "fmt"

// Options of Open.
type Options struct {
	// Validation loads the Khronos validation layer, with synchronization
	// validation, for everything that uses Vulkan at the same time: the process
	// has one instance. Where something already uses it without, Open fails with
	// ErrConflict; who opens without gets an instance that has it, as
	// Info.Validation says. The messages are read with Messages.
	Validation bool
	// VectorBits asks llvmpipe for vectors of that many bits (128, 256, 512) by
	// setting LP_NATIVE_VECTOR_WIDTH, which the driver reads once. So it is the
	// process's first Open that decides: a later one that asks for other bits
	// fails with ErrConflict. 0 takes what there is. Bits are ignored where the
	// user has set the variable, and 512 where the CPU lacks AVX-512; VectorBits
	// says what was asked for in the end.
	VectorBits int
	// Faults, if not nil, counts calls and makes one fail.
	Faults *Faults
}

func (o Options) check() error {
	switch o.VectorBits {
	case 0, 128, 256, 512:
		return nil
	}
	return fmt.Errorf("vulkan: vectors of %d bits are asked for, want 128, 256 or 512", o.VectorBits)
}

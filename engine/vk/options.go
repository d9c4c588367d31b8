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
	// Extensions are instance extensions that a window system asks for. Who opens
	// without gets an instance that may have them; where something already uses one
	// that lacks some, Open fails with ErrConflict. With VK_KHR_surface among them
	// devices are opened with VK_KHR_swapchain where they have it.
	Extensions []string
	// Faults, if not nil, counts calls and makes one fail.
	Faults *Faults
}

// maxExtensions is CVK_EXTENSIONS.
const maxExtensions = 16

func (o Options) check() error {
	if len(o.Extensions) > maxExtensions {
		return fmt.Errorf("vulkan: %d instance extensions are asked for, want at most %d", len(o.Extensions), maxExtensions)
	}
	switch o.VectorBits {
	case 0, 128, 256, 512:
		return nil
	}
	return fmt.Errorf("vulkan: vectors of %d bits are asked for, want 128, 256 or 512", o.VectorBits)
}

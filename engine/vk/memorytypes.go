package vk

import "slices"

// Property flags of memory types, as VkMemoryPropertyFlagBits.
const (
	flagLocal    = 1
	flagVisible  = 2
	flagCoherent = 4
	flagCached   = 8
)

// memoryTypes are a device's.
type memoryTypes []memoryType

type memoryType struct {
	flags uint32
	left  int64 // of its heap: what is free for this process where the driver tells, else all
}

// wish is flags that a memory type must have, and must not have.
type wish struct{ has, not uint32 }

// wishes are what a kind of memory is to be, best first. On devices that share the
// host's memory Local memory is mapped, which saves copies.
func wishes(kind MemoryKind, shared bool) []wish {
	switch kind {
	case Upload: // written in order: not through the CPU's caches
		return []wish{{flagVisible | flagCoherent, flagCached}, {flagVisible | flagCoherent, 0}, {flagVisible, 0}}
	case Readback:
		return []wish{{flagVisible | flagCached | flagCoherent, 0}, {flagVisible | flagCached, 0}, {flagVisible, 0}}
	}
	own := []wish{{flagLocal, flagVisible}, {flagLocal, 0}}
	if shared {
		own = append([]wish{{flagLocal | flagVisible | flagCoherent, 0}}, own...)
	}
	return append(own, wish{0, 0})
}

// suiting orders the types that may hold a buffer of a kind. Those whose heap has no
// room for it come last: the driver has the last word.
func (m memoryTypes) suiting(kind MemoryKind, shared bool, allowed uint32, size int64) []int {
	var list, full []int
	for _, w := range wishes(kind, shared) {
		for t, have := range m {
			switch {
			case allowed&(1<<t) == 0 || have.flags&w.has != w.has || have.flags&w.not != 0 || slices.Contains(list, t) || slices.Contains(full, t):
			case have.left < size:
				full = append(full, t)
			default:
				list = append(list, t)
			}
		}
	}
	return append(list, full...)
}

//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"slices"
	"unsafe"
)

// memoryNow is the device's memory, with what is free of it at the moment.
func (d *Device) memoryNow() memoryTypes {
	var m C.cvk_memory
	C.cvk_memory_query(d.inst.gipa, C.cvk_handle(d.inst.handle), C.cvk_handle(d.physical), &m)
	list := make(memoryTypes, m.ntypes)
	for i := range list {
		list[i] = memoryType{uint32(m.flags[i]), int64(m.left[m.heap[i]])}
	}
	return list
}

// shared reports a device whose memory is the host's.
func (d *Device) shared() bool { return d.Type == TypeSoftware || d.Type == TypeIntegrated }

// manual are the buffers that the host sees and whose memory is not coherent, which a
// recording copies from and to.
func (r *Recording) manual() (in, back []*Buffer) {
	for _, c := range slices.Concat(r.CopyIn, r.CopyOut) {
		if c.From.mapped != nil && c.From.manual && !slices.Contains(in, c.From) {
			in = append(in, c.From)
		}
		if c.To.mapped != nil && c.To.manual && !slices.Contains(back, c.To) {
			back = append(back, c.To)
		}
	}
	return in, back
}

// makeVisible makes what was written into buffers visible on the other side.
func (d *Device) makeVisible(list []*Buffer, toHost bool) error {
	call, to := "vkFlushMappedMemoryRanges", C.int(0)
	if toHost {
		call, to = "vkInvalidateMappedMemoryRanges", 1
	}
	for _, b := range list {
		r := Result(C.cvk_make_visible(d.c, C.cvk_handle(uintptr(unsafe.Pointer(b.mem))), to))
		if err := check(call, r); err != nil {
			return err
		}
	}
	return nil
}

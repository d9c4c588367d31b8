//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Sets are the descriptor sets of a list of dispatches.
type Sets struct {
	d    *Device
	pool Handle
}

// NewSets writes one descriptor set a dispatch, which the dispatches in the list
// have from then on, and copies of them.
func (d *Device) NewSets(list []Dispatch) (*Sets, error) {
	layouts := make([]C.cvk_handle, len(list)+1)
	var bind []C.cvk_binding
	for i, x := range list {
		layouts[i] = C.cvk_handle(x.Pipeline.set)
		for slot, b := range x.Bindings {
			c := C.cvk_binding{set: C.uint32_t(i), slot: C.uint32_t(slot), kind: C.uint32_t(x.Pipeline.slots[slot]),
				buffer: b.Buffer.handle(), offset: C.uint64_t(b.Offset), _range: C.uint64_t(b.Size)}
			if b.View != nil {
				c.view = C.cvk_handle(uintptr(unsafe.Pointer(b.View.h)))
			}
			bind = append(bind, c)
		}
	}
	bind = append(bind, C.cvk_binding{})
	sets := make([]C.cvk_handle, len(list)+1)
	var pool C.cvk_handle
	r := Result(C.cvk_sets_create(d.c, C.uint32_t(len(list)), &layouts[0], C.uint32_t(len(bind)-1), &bind[0], &pool, &sets[0]))
	if err := check("vkAllocateDescriptorSets", r); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].set = Handle(sets[i])
	}
	d.count(1)
	return &Sets{d, Handle(pool)}, nil
}

// Destroy frees the sets.
func (s *Sets) Destroy() {
	vulkan.DestroyDescriptorPool(deviceOf(s.d.handle), *(*vulkan.DescriptorPool)(unsafe.Pointer(&s.pool)), nil)
	s.d.count(-1)
}

// Commands is a recorded command buffer.
type Commands struct {
	d        *Device
	h        Handle
	in, back []*Buffer // copied from and to, whose memory is not coherent
}

// Record makes a command buffer, in one call.
func (d *Device) Record(r Recording) (*Commands, error) {
	var push []uint32
	dispatches := slices.Concat(r.Dispatches, r.Untimed)
	list := make([]C.cvk_dispatch, len(dispatches)+1)
	for i, x := range dispatches {
		list[i] = C.cvk_dispatch{pipeline: C.cvk_handle(x.Pipeline.pipe), layout: C.cvk_handle(x.Pipeline.layout), set: C.cvk_handle(x.set),
			push_at: C.uint32_t(4 * len(push)), push_bytes: C.uint32_t(4 * len(x.Push))}
		for k, g := range x.Grid {
			list[i].base[k], list[i].grid[k] = C.uint32_t(x.Base[k]), C.uint32_t(g)
		}
		if x.Barrier {
			list[i].barrier = 1
		}
		push = append(push, x.Push...)
	}
	push = append(push, 0)
	in, out := copies(r.CopyIn), copies(r.CopyOut)
	// The struct that C reads holds pointers to these slices: they are pinned,
	// as it lies in Go memory itself.
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&list[0])
	pin.Pin(&push[0])
	pin.Pin(&in[0])
	pin.Pin(&out[0])
	c := C.cvk_commands{ncopy_in: C.uint32_t(len(r.CopyIn)), ndispatch: C.uint32_t(len(dispatches)), ntimed: C.uint32_t(len(r.Dispatches)), ncopy_out: C.uint32_t(len(r.CopyOut)),
		copy_in: &in[0], dispatch: &list[0], push: (*C.uint8_t)(unsafe.Pointer(&push[0])), copy_out: &out[0]}
	if r.Queries != nil {
		c.queries, c.query_at = C.cvk_handle(r.Queries.h), C.uint32_t(2*r.First)
	}
	if r.Counts != nil {
		c.counts, c.count_at = C.cvk_handle(r.Counts.h), C.uint32_t(r.Count)
	}
	if r.HostWrites {
		c.host_writes = 1
	}
	d.queueing.Lock() // the command pool is the queue's
	defer d.queueing.Unlock()
	var cmd C.cvk_handle
	if err := check("vkAllocateCommandBuffers", Result(C.cvk_commands_create(d.c, C.cvk_handle(uintptr(unsafe.Pointer(d.pool))), &cmd))); err != nil {
		return nil, err
	}
	cmds := &Commands{d: d, h: Handle(cmd)}
	cmds.in, cmds.back = r.manual()
	d.count(1)
	if err := check("vkEndCommandBuffer", Result(C.cvk_record(d.c, cmd, &c))); err != nil {
		cmds.free()
		return nil, err
	}
	return cmds, nil
}

func copies(list []Copy) []C.cvk_copy {
	cs := make([]C.cvk_copy, len(list)+1)
	for i, x := range list {
		cs[i] = C.cvk_copy{from: x.From.handle(), to: x.To.handle(), from_at: C.uint64_t(x.FromAt), to_at: C.uint64_t(x.ToAt), size: C.uint64_t(x.Size)}
	}
	return cs
}

// Destroy frees the command buffer; the device must not be using it.
func (c *Commands) Destroy() {
	c.d.queueing.Lock()
	defer c.d.queueing.Unlock()
	c.free()
}

func (c *Commands) free() {
	vulkan.FreeCommandBuffers(deviceOf(c.d.handle), c.d.pool, 1, []vulkan.CommandBuffer{*(*vulkan.CommandBuffer)(unsafe.Pointer(&c.h))})
	c.d.count(-1)
}

// Submit sends command buffers to the queue, in order, each in a submission of
// its own, which is what watchdogs look at; the fence, which may be nil, signals
// when the last one is done. When it fails nothing is in flight.
func (d *Device) Submit(list []*Commands, f *Fence) error {
	sent, err := d.submit(list, f)
	if err != nil && sent > 0 {
		d.Idle()
	}
	return err
}

func (d *Device) submit(list []*Commands, f *Fence) (sent int, err error) {
	d.queueing.Lock()
	defer d.queueing.Unlock()
	if d.lost {
		return 0, check("vkQueueSubmit", DeviceLost)
	}
	d.used = true
	for i, c := range list {
		if err := d.makeVisible(c.in, false); err != nil {
			return i, err
		}
		h := C.cvk_handle(c.h)
		var fence C.cvk_handle
		if f != nil && i == len(list)-1 {
			fence = f.handle()
		}
		if f != nil {
			f.back = append(f.back, c.back...)
		}
		if err := check("vkQueueSubmit", Result(C.cvk_submit(d.c, 1, &h, fence))); err != nil {
			return i, err
		}
	}
	return len(list), nil
}

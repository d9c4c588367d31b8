//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Buffer is a buffer with memory of its own.
type Buffer struct {
	d      *Device
	size   int64
	room   int64 // behind its end, see viewRoom
	h      vulkan.Buffer
	mem    vulkan.DeviceMemory
	mapped unsafe.Pointer // nil when the host can't see it
	manual bool           // what one side writes is made visible to the other by a call
}

// usages of every buffer: kernels bind it as storage or texels, and it is
// copied from and to.
const usages = vulkan.BufferUsageFlags(vulkan.BufferUsageStorageBufferBit | vulkan.BufferUsageUniformTexelBufferBit |
	vulkan.BufferUsageTransferSrcBit | vulkan.BufferUsageTransferDstBit)

// NewBuffer makes a buffer with memory. What Upload and Readback are for is mapped, and
// so is Local where the device shares the host's memory. Memory that is not coherent
// needs no care: what the host wrote into a buffer that commands copy from is visible to
// them when they are submitted, and what they copied into one is visible to the host
// when the fence of the submission was waited for.
func (d *Device) NewBuffer(size int64, kind MemoryKind) (*Buffer, error) {
	if size < 1 || size > d.MaxAllocation {
		return nil, fmt.Errorf("vulkan: a buffer of %d bytes: %w (one allocation has at most %d)", size, ErrOutOfMemory, d.MaxAllocation)
	}
	if err := d.take(size); err != nil {
		return nil, err
	}
	b, err := d.newBuffer(size, kind)
	if err != nil {
		d.give(size)
		return nil, err
	}
	return b, nil
}

func (d *Device) newBuffer(size int64, kind MemoryKind) (*Buffer, error) {
	b := &Buffer{d: d, size: size, room: d.viewRoom(size)}
	info := vulkan.BufferCreateInfo{SType: vulkan.StructureTypeBufferCreateInfo, Size: vulkan.DeviceSize(size + b.room), Usage: usages}
	defer info.Free()
	dev := deviceOf(d.handle)
	var h vulkan.Buffer
	if err := d.call("vkCreateBuffer", func() vulkan.Result { return vulkan.CreateBuffer(dev, &info, nil, &h) }); err != nil {
		return nil, err
	}
	b.h = h
	d.count(1)
	if err := b.allocate(kind); err != nil {
		vulkan.DestroyBuffer(dev, b.h, nil)
		d.count(-1)
		return nil, err
	}
	return b, nil
}

// allocate tries the memory types that suit the kind, best first, and goes on
// to the next when one is full.
func (b *Buffer) allocate(kind MemoryKind) error {
	dev := deviceOf(b.d.handle)
	var req vulkan.MemoryRequirements
	vulkan.GetBufferMemoryRequirements(dev, b.h, &req)
	req.Deref()
	defer req.Free()
	var last error
	mem := b.d.memoryNow()
	for _, t := range mem.suiting(kind, b.d.shared(), req.MemoryTypeBits, int64(req.Size)) {
		if last = b.allocateFrom(uint32(t), req.Size, kind == Local, mem[t].flags); last == nil {
			if kind == Local && mem[t].flags&flagLocal == 0 {
				b.d.tellOnHost(b.size)
			}
			return nil
		}
		if !errors.Is(last, ErrOutOfMemory) {
			return last
		}
	}
	if last == nil {
		last = fmt.Errorf("vulkan: no memory type suits a buffer of %d bytes", b.size)
	}
	return last
}

// allocateFrom takes memory of one type. Of Local memory the host sees what is coherent.
func (b *Buffer) allocateFrom(t uint32, size vulkan.DeviceSize, local bool, flags uint32) error {
	dev := deviceOf(b.d.handle)
	info := vulkan.MemoryAllocateInfo{SType: vulkan.StructureTypeMemoryAllocateInfo, AllocationSize: size, MemoryTypeIndex: t}
	defer info.Free()
	var mem vulkan.DeviceMemory
	if err := b.d.call("vkAllocateMemory", func() vulkan.Result { return vulkan.AllocateMemory(dev, &info, nil, &mem) }); err != nil {
		return err
	}
	b.mem = mem
	b.d.count(1)
	coherent := flags&flagCoherent != 0
	err := b.bind(flags&flagVisible != 0 && (coherent || !local))
	if err != nil {
		vulkan.FreeMemory(dev, b.mem, nil)
		b.d.count(-1)
	}
	b.manual = !coherent
	return err
}

func (b *Buffer) bind(visible bool) error {
	dev := deviceOf(b.d.handle)
	if err := b.d.call("vkBindBufferMemory", func() vulkan.Result { return vulkan.BindBufferMemory(dev, b.h, b.mem, 0) }); err != nil {
		return err
	}
	if !visible {
		return nil
	}
	var mapped unsafe.Pointer
	err := b.d.call("vkMapMemory", func() vulkan.Result {
		return vulkan.MapMemory(dev, b.mem, 0, vulkan.DeviceSize(vulkan.WholeSize), 0, &mapped)
	})
	b.mapped = mapped
	return err
}

// Size is the size in bytes.
func (b *Buffer) Size() int64 { return b.size }

// Bytes is the buffer's memory as the host sees it, nil when it can't. It must
// not be used after Destroy.
func (b *Buffer) Bytes() []byte {
	if b.mapped == nil {
		return nil
	}
	return unsafe.Slice((*byte)(b.mapped), b.size)
}

func (b *Buffer) handle() C.cvk_handle { return C.cvk_handle(uintptr(unsafe.Pointer(b.h))) }

// Destroy frees buffer and memory; the device must not be using it.
func (b *Buffer) Destroy() {
	dev := deviceOf(b.d.handle)
	vulkan.DestroyBuffer(dev, b.h, nil)
	vulkan.FreeMemory(dev, b.mem, nil)
	b.d.count(-2)
	b.d.give(b.size)
}

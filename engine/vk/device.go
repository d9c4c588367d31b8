//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Device is an open device with one compute queue. Its methods may be called
// from several goroutines, except that the queue is used by one at a time,
// which Submit sees to.
type Device struct {
	Info
	c        *C.cvk_device
	handle   Handle
	pool     vulkan.CommandPool
	inst     *Instance
	faults   *Faults
	queueing sync.Mutex
	used     bool // something was submitted; guarded by queueing
	lost     bool // nothing is submitted any more; guarded by queueing
	hung     bool // the driver doesn't return; guarded by queueing

	mu     sync.Mutex
	live   int               // objects that were created and not destroyed
	memory int64             // that buffers may have, 0: any amount
	taken  int64             // that they have
	onHost func(bytes int64) // see OnHost
}

// LimitMemory bounds what all buffers of the device may have together, in bytes;
// 0 is no bound.
func (d *Device) LimitMemory(bytes int64) {
	d.mu.Lock()
	d.memory = bytes
	d.mu.Unlock()
}

// MemoryLeft is what buffers may still have of the bound that LimitMemory set.
func (d *Device) MemoryLeft() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.memory == 0 {
		return math.MaxInt64
	}
	return d.memory - d.taken
}

// OnHost has f told of each Local buffer that found no room in the device's own memory
// and lies in the host's, where kernels reach it many times slower.
func (d *Device) OnHost(f func(bytes int64)) {
	d.mu.Lock()
	d.onHost = f
	d.mu.Unlock()
}

func (d *Device) tellOnHost(bytes int64) {
	d.mu.Lock()
	f := d.onHost
	d.mu.Unlock()
	if f != nil {
		f(bytes)
	}
}

// take counts the memory of a buffer, or refuses it.
func (d *Device) take(bytes int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.memory > 0 && d.taken+bytes > d.memory {
		return fmt.Errorf("vulkan: a buffer of %d bytes: %w (%d of %d bytes are in use)", bytes, ErrOutOfMemory, d.taken, d.memory)
	}
	d.taken += bytes
	return nil
}

// give takes a buffer's memory back.
func (d *Device) give(bytes int64) {
	d.mu.Lock()
	d.taken -= bytes
	d.mu.Unlock()
}

// OpenDevice creates a logical device with the features that kernels may use.
// Statistics are captured only when asked for, as they cost compile time.
func (i *Instance) OpenDevice(info Info, statistics bool) (*Device, error) {
	return i.openDevice(info, statistics, 0)
}

func (i *Instance) openDevice(info Info, statistics bool, matrices C.uint32_t) (*Device, error) {
	d := &Device{Info: info, inst: i, faults: i.faults}
	bit := func(b bool) C.uint32_t {
		if b {
			return 1
		}
		return 0
	}
	wants := C.cvk_wants{queue: C.uint32_t(info.queue), storage16: bit(info.Storage16), float16: bit(info.Float16),
		statistics: bit(info.Statistics && statistics), size_control: bit(info.SizeControl), full_subgroups: bit(info.FullSubgroups), invocations: bit(info.Invocations), matrices: matrices,
		swapchain: bit(i.presents)}
	r := Result(C.cvk_device_create(i.gipa, C.cvk_handle(i.handle), C.cvk_handle(info.physical), &wants, i.faults.pointer(), &d.c))
	if err := check("vkCreateDevice", r); err != nil {
		return nil, err
	}
	d.handle = Handle(C.cvk_device_handle(d.c))
	create := vulkan.CommandPoolCreateInfo{SType: vulkan.StructureTypeCommandPoolCreateInfo, QueueFamilyIndex: uint32(info.queue),
		Flags: vulkan.CommandPoolCreateFlags(vulkan.CommandPoolCreateResetCommandBufferBit)}
	defer create.Free()
	// Results go to variables of their own: cgo refuses the address of a field
	// of a struct that holds Go pointers.
	var pool vulkan.CommandPool
	err := d.call("vkCreateCommandPool", func() vulkan.Result {
		return vulkan.CreateCommandPool(deviceOf(d.handle), &create, nil, &pool)
	})
	d.pool = pool
	if err != nil {
		C.cvk_device_destroy(d.c)
		return nil, err
	}
	return d, nil
}

// Again opens the same device once more, with a queue of its own and without
// statistics.
func (d *Device) Again() (*Device, error) { return d.inst.OpenDevice(d.Info, false) }

// call makes a call of vulkan-go's, unless a fault stands in its place.
func (d *Device) call(name string, f func() vulkan.Result) error {
	if r := d.faults.next(name); r != Success {
		return check(name, r)
	}
	return check(name, Result(f()))
}

// count follows the objects of the device, so that a test can see that none
// is left.
func (d *Device) count(n int) {
	d.mu.Lock()
	d.live += n
	d.mu.Unlock()
}

// Live is the number of objects that have been created and not destroyed.
func (d *Device) Live() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live
}

// Close waits for the queue and destroys the device. Everything made from it
// must have been destroyed. A device that hangs is left as it is: to destroy what it
// uses would end the process.
func (d *Device) Close() {
	if errors.Is(d.Idle(), ErrTimeout) {
		return
	}
	vulkan.DestroyCommandPool(deviceOf(d.handle), d.pool, nil)
	C.cvk_device_destroy(d.c)
}

// idleLimit bounds the wait for an empty queue, which Vulkan doesn't. A software device
// may need minutes for one submission.
var idleLimit = 20 * time.Minute

// waitIdle is the call; a test has a driver that hangs.
var waitIdle = vulkan.DeviceWaitIdle

// Idle waits until the queue is empty. A lost device counts as idle; one that is not
// after idleLimit hangs, and is lost from then on: ErrTimeout. Drivers
// without hardware, which only compile, crash in the call: a queue that was
// never used is not asked.
func (d *Device) Idle() error {
	d.queueing.Lock()
	defer d.queueing.Unlock()
	if !d.used {
		return nil
	}
	if d.hung {
		return check("vkDeviceWaitIdle", Timeout)
	}
	done, wait := make(chan error, 1), waitIdle
	go func() {
		done <- d.call("vkDeviceWaitIdle", func() vulkan.Result { return wait(deviceOf(d.handle)) })
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(idleLimit):
		d.hung, d.lost = true, true
		return check("vkDeviceWaitIdle", Timeout)
	}
}

// GiveUp makes every later Submit fail with ErrDeviceLost: a device that was
// lost once stays lost.
func (d *Device) GiveUp() {
	d.queueing.Lock()
	d.lost = true
	d.queueing.Unlock()
}

// Fence signals that a submission has been executed.
type Fence struct {
	d    *Device
	h    vulkan.Fence
	back []*Buffer // that the submission copies to, and the host is to see
}

// NewFence makes an unsignalled fence.
func (d *Device) NewFence() (*Fence, error) {
	var h vulkan.Fence
	info := vulkan.FenceCreateInfo{SType: vulkan.StructureTypeFenceCreateInfo}
	defer info.Free()
	err := d.call("vkCreateFence", func() vulkan.Result { return vulkan.CreateFence(deviceOf(d.handle), &info, nil, &h) })
	if err != nil {
		return nil, err
	}
	d.count(1)
	return &Fence{d: d, h: h}, nil
}

func (f *Fence) handle() C.cvk_handle { return C.cvk_handle(uintptr(unsafe.Pointer(f.h))) }

// Wait waits for the fence, at most for the timeout, and resets it. The error
// is ErrTimeout when the time is over.
func (f *Fence) Wait(timeout time.Duration) error {
	if err := check("vkWaitForFences", Result(C.cvk_wait(f.d.c, f.handle(), C.uint64_t(timeout.Nanoseconds())))); err != nil {
		return err
	}
	back := f.back
	f.back = nil
	if err := f.d.makeVisible(back, true); err != nil {
		return err
	}
	return f.d.call("vkResetFences", func() vulkan.Result { return vulkan.ResetFences(deviceOf(f.d.handle), 1, []vulkan.Fence{f.h}) })
}

// Destroy frees the fence; nothing may be waiting for it.
func (f *Fence) Destroy() {
	vulkan.DestroyFence(deviceOf(f.d.handle), f.h, nil)
	f.d.count(-1)
}

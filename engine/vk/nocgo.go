//go:build !cgo

package vk

import (
	"fmt"
	"time"
)

// A binary that was built without cgo can't call Vulkan: Open says so. All else
// in this file is there for the compiler, as every object comes from an
// Instance and there is none.

var errNoCgo = fmt.Errorf("%w: this binary was built without cgo and has only the interpreter (device cpu); for Vulkan build it with a C compiler and CGO_ENABLED=1", ErrNoLoader)

// CanLoad says that this binary can open shared libraries.
const CanLoad = false

// TryLibrary fails: there are no shared libraries without cgo.
func TryLibrary(name string) error { return errNoCgo }

// Instance is a use of the process's Vulkan instance.
type Instance struct{}

// Open fails: there is no Vulkan without cgo.
func Open(opt Options) (*Instance, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	return nil, errNoCgo
}

// Devices lists the devices.
func (i *Instance) Devices() ([]Info, error) { return nil, errNoCgo }

// OpenDevice creates a logical device.
func (i *Instance) OpenDevice(info Info, statistics bool) (*Device, error) { return nil, errNoCgo }

// Close gives up this use.
func (i *Instance) Close() {}

// VectorBits is the vector width that this process asked llvmpipe for.
func VectorBits() int { return 0 }

// Messages takes what the validation layers have reported since the last call.
func Messages() []string { return nil }

// Faults makes calls that return a VkResult fail.
type Faults struct{}

// NewFaults counts calls; Free releases it.
func NewFaults() *Faults { return &Faults{} }

// Set makes the call after n further ones fail with r.
func (f *Faults) Set(n int, r Result) {}

// Plan makes calls fail from now on.
func (f *Faults) Plan(what Fault) {}

// Fired reports that a call has failed since Plan.
func (f *Faults) Fired() (fired bool) { return false }

// Calls is the number of calls since Plan, of those that it counts.
func (f *Faults) Calls() (n int) { return 0 }

// Seen is how often each function was called.
func (f *Faults) Seen() map[string]int { return nil }

// Free releases the counter.
func (f *Faults) Free() {}

// Device is an open device with one compute queue.
type Device struct{ Info }

// OpenMatrices opens the device once more, with cooperative matrices.
func (d *Device) OpenMatrices(statistics bool) (m Matrices, err error) { return Matrices{}, errNoCgo }

// Again opens the same device once more.
func (d *Device) Again() (*Device, error) { return nil, errNoCgo }

// NewBuffer makes a buffer with memory.
func (d *Device) NewBuffer(size int64, kind MemoryKind) (*Buffer, error) { return nil, errNoCgo }

// NewPipeline compiles a kernel.
func (d *Device) NewPipeline(info PipelineInfo, cache *Cache) (*Pipeline, error) {
	return nil, errNoCgo
}

// NewCache makes a pipeline cache from what Data returned earlier.
func (d *Device) NewCache(data []byte) (*Cache, error) { return nil, errNoCgo }

// NewSets writes one descriptor set a dispatch.
func (d *Device) NewSets(list []Dispatch) (*Sets, error) { return nil, errNoCgo }

// NewQueries makes room for the timestamps of n dispatches.
func (d *Device) NewQueries(n int) (*Queries, error) { return nil, errNoCgo }

// NewCounts makes room for the counts of n command buffers.
func (d *Device) NewCounts(n int) (*Counts, error) { return nil, errNoCgo }

// NewFence makes an unsignalled fence.
func (d *Device) NewFence() (*Fence, error) { return nil, errNoCgo }

// Record makes a command buffer.
func (d *Device) Record(r Recording) (*Commands, error) { return nil, errNoCgo }

// Submit sends command buffers to the queue.
func (d *Device) Submit(list []*Commands, f *Fence) error { return errNoCgo }

// Idle waits until the queue is empty.
func (d *Device) Idle() error { return errNoCgo }

// Live is the number of objects that have been created and not destroyed.
func (d *Device) Live() int { return 0 }

// LimitMemory bounds the memory of all buffers.
func (d *Device) LimitMemory(bytes int64) {}

// OnHost has f told of each Local buffer that lies in the host's memory.
func (d *Device) OnHost(f func(bytes int64)) {}

// MemoryLeft is what is left of that.
func (d *Device) MemoryLeft() int64 { return 0 }

// GiveUp makes every later Submit fail.
func (d *Device) GiveUp() {}

// Close destroys the device.
func (d *Device) Close() {}

// Buffer is a buffer with memory of its own.
type Buffer struct{}

// Size is the size in bytes.
func (b *Buffer) Size() int64 { return 0 }

// Bytes is the buffer's memory as the host sees it.
func (b *Buffer) Bytes() []byte { return nil }

// NewView makes a texel view of a part of the buffer.
func (b *Buffer) NewView(offset, size int64, half bool) (*View, error) { return nil, errNoCgo }

// Destroy frees buffer and memory.
func (b *Buffer) Destroy() {}

// View is a texel view of a part of a buffer.
type View struct{}

// Destroy frees the view.
func (v *View) Destroy() {}

// Pipeline is a compiled kernel with its constants.
type Pipeline struct{}

// Report is what the driver tells about the compiled code.
func (p *Pipeline) Report(isa bool) (string, error) { return "", errNoCgo }

// Destroy frees the pipeline.
func (p *Pipeline) Destroy() {}

// Cache keeps compiled code between runs.
type Cache struct{}

// Data is the cache's contents.
func (c *Cache) Data() ([]byte, error) { return nil, errNoCgo }

// Destroy frees the cache.
func (c *Cache) Destroy() {}

// Sets are the descriptor sets of a list of dispatches.
type Sets struct{}

// Destroy frees the sets.
func (s *Sets) Destroy() {}

// Commands is a recorded command buffer.
type Commands struct{}

// Destroy frees the command buffer.
func (c *Commands) Destroy() {}

// Queries are timestamps around dispatches.
type Queries struct{}

// Nanoseconds is the time of each dispatch.
func (q *Queries) Nanoseconds() ([]float64, error) { return nil, errNoCgo }

// Destroy frees the queries.
func (q *Queries) Destroy() {}

// Counts are how often the kernels of command buffers were invoked.
type Counts struct{}

// Sum is what the first n command buffers counted.
func (c *Counts) Sum(n int) (sum int64, err error) { return 0, errNoCgo }

// Destroy frees the counts.
func (c *Counts) Destroy() {}

// Fence signals that a submission has been executed.
type Fence struct{}

// Wait waits for the fence, at most for the timeout, and resets it.
func (f *Fence) Wait(timeout time.Duration) error { return errNoCgo }

// Destroy frees the fence.
func (f *Fence) Destroy() {}

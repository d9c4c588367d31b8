//go:build cgo

package vk

/*
#include "cvk.h"
#include <stdlib.h>
*/
import "C"

import (
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Pipeline is a compiled kernel with its constants.
type Pipeline struct {
	d      *Device
	slots  []SlotKind
	set    Handle // descriptor set layout
	layout Handle
	pipe   Handle
}

// NewPipeline compiles a kernel. Compiling may take seconds; several
// goroutines may compile at once.
func (d *Device) NewPipeline(info PipelineInfo, cache *Cache) (*Pipeline, error) {
	p := &Pipeline{d: d, slots: info.Slots}
	kinds := make([]byte, len(info.Slots)+1)
	for i, k := range info.Slots {
		kinds[i] = byte(k)
	}
	var set, layout, pipe C.cvk_handle
	r := Result(C.cvk_layout_create(d.c, C.uint32_t(len(info.Slots)), (*C.uint8_t)(&kinds[0]), C.uint32_t(info.PushBytes), &set, &layout))
	if err := check("vkCreatePipelineLayout", r); err != nil {
		return nil, err
	}
	d.count(2)
	p.set, p.layout = Handle(set), Handle(layout)
	module, err := d.newModule(info.Code)
	if err != nil {
		p.Destroy()
		return nil, err
	}
	defer vulkan.DestroyShaderModule(deviceOf(d.handle), module, nil)
	var spec *C.uint32_t
	if len(info.Spec) > 0 {
		spec = (*C.uint32_t)(&info.Spec[0])
	}
	subgroup := info.Subgroup
	if subgroup < d.MinSubgroup || subgroup > d.MaxSubgroup {
		subgroup = 0
	}
	r = Result(C.cvk_pipeline_create(d.c, cache.handle(), C.cvk_handle(uintptr(unsafe.Pointer(module))), layout, C.uint32_t(len(info.Spec)), spec, C.uint32_t(subgroup), &pipe))
	if err := check("vkCreateComputePipelines", r); err != nil {
		p.Destroy()
		return nil, err
	}
	d.count(1)
	p.pipe = Handle(pipe)
	return p, nil
}

// newModule hands the code over in C memory: vulkan-go stores the slice's
// address in a C struct, where no Go pointer may stand.
func (d *Device) newModule(code []byte) (m vulkan.ShaderModule, err error) {
	c := C.CBytes(code)
	defer C.free(c)
	info := vulkan.ShaderModuleCreateInfo{SType: vulkan.StructureTypeShaderModuleCreateInfo, CodeSize: uint(len(code)), PCode: unsafe.Slice((*uint32)(c), len(code)/4)}
	defer info.Free()
	err = d.call("vkCreateShaderModule", func() vulkan.Result { return vulkan.CreateShaderModule(deviceOf(d.handle), &info, nil, &m) })
	return m, err
}

// Destroy frees the pipeline; the device must not be using it.
func (p *Pipeline) Destroy() {
	dev := deviceOf(p.d.handle)
	if p.pipe != 0 {
		vulkan.DestroyPipeline(dev, *(*vulkan.Pipeline)(unsafe.Pointer(&p.pipe)), nil)
		p.d.count(-1)
	}
	vulkan.DestroyPipelineLayout(dev, *(*vulkan.PipelineLayout)(unsafe.Pointer(&p.layout)), nil)
	vulkan.DestroyDescriptorSetLayout(dev, *(*vulkan.DescriptorSetLayout)(unsafe.Pointer(&p.set)), nil)
	p.d.count(-2)
}

// Report is what the driver tells about the compiled code: lines
// "stat NAME = VALUE", and with isa the machine code behind a line "isa". It
// is empty where the device was opened without statistics.
func (p *Pipeline) Report(isa bool) (string, error) {
	flag := C.int(0)
	if isa {
		flag = 1
	}
	var text *C.char
	r := Result(C.cvk_pipeline_report(p.d.c, C.cvk_handle(p.pipe), flag, &text))
	defer C.free(unsafe.Pointer(text))
	if err := check("vkGetPipelineExecutablePropertiesKHR", r); err != nil {
		return "", err
	}
	return C.GoString(text), nil
}

// Cache keeps compiled code between runs.
type Cache struct {
	d *Device
	h Handle
}

// NewCache makes a pipeline cache from what Data returned earlier. A driver
// ignores data that is not its own.
func (d *Device) NewCache(data []byte) (*Cache, error) {
	var p unsafe.Pointer
	if len(data) > 0 {
		p = unsafe.Pointer(&data[0])
	}
	var h C.cvk_handle
	if err := check("vkCreatePipelineCache", Result(C.cvk_cache_create(d.c, p, C.uint64_t(len(data)), &h))); err != nil {
		return nil, err
	}
	d.count(1)
	return &Cache{d, Handle(h)}, nil
}

func (c *Cache) handle() C.cvk_handle {
	if c == nil {
		return 0
	}
	return C.cvk_handle(c.h)
}

// Data is the cache's contents, to be kept on disk.
func (c *Cache) Data() ([]byte, error) {
	dev, cache := deviceOf(c.d.handle), *(*vulkan.PipelineCache)(unsafe.Pointer(&c.h))
	var n uint
	if err := c.d.call("vkGetPipelineCacheData", func() vulkan.Result { return vulkan.GetPipelineCacheData(dev, cache, &n, nil) }); err != nil || n == 0 {
		return nil, err
	}
	data := make([]byte, n)
	err := c.d.call("vkGetPipelineCacheData", func() vulkan.Result {
		return vulkan.GetPipelineCacheData(dev, cache, &n, unsafe.Pointer(&data[0]))
	})
	return data[:n], err
}

// Destroy frees the cache.
func (c *Cache) Destroy() {
	vulkan.DestroyPipelineCache(deviceOf(c.d.handle), *(*vulkan.PipelineCache)(unsafe.Pointer(&c.h)), nil)
	c.d.count(-1)
}

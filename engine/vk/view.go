//go:build cgo

package vk

import vulkan "github.com/vulkan-go/vulkan"

// View is a texel view of a part of a buffer: four float32 or float16 a texel.
type View struct {
	d *Device
	h vulkan.BufferView
}

// NewView makes a view of size bytes from offset on. On llvmpipe it may reach a
// little further, see viewSize.
func (b *Buffer) NewView(offset, size int64, half bool) (*View, error) {
	var h vulkan.BufferView
	format := vulkan.FormatR32g32b32a32Sfloat
	if half {
		format = vulkan.FormatR16g16b16a16Sfloat
	}
	info := vulkan.BufferViewCreateInfo{SType: vulkan.StructureTypeBufferViewCreateInfo, Buffer: b.h, Format: format,
		Offset: vulkan.DeviceSize(offset), Range: vulkan.DeviceSize(viewSize(size, b.room))}
	defer info.Free()
	err := b.d.call("vkCreateBufferView", func() vulkan.Result { return vulkan.CreateBufferView(deviceOf(b.d.handle), &info, nil, &h) })
	if err != nil {
		return nil, err
	}
	b.d.count(1)
	return &View{b.d, h}, nil
}

// Destroy frees the view.
func (v *View) Destroy() {
	vulkan.DestroyBufferView(deviceOf(v.d.handle), v.h, nil)
	v.d.count(-1)
}

//go:build cgo

package vk

// #include "cvk.h"
import "C"

import (
	"encoding/hex"
	"fmt"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

// Devices lists the devices, in the loader's order; see Info.Computes. When
// there is none the error is ErrNoDriver or ErrNoDevice.
func (i *Instance) Devices() ([]Info, error) {
	inst := instanceOf(i.handle)
	var n uint32
	if r := i.faults.next("vkEnumeratePhysicalDevices"); r != Success {
		return nil, check("vkEnumeratePhysicalDevices", r)
	}
	switch r := Result(vulkan.EnumeratePhysicalDevices(inst, &n, nil)); r {
	case Success, Incomplete:
	case InitializationFailed, IncompatibleDriver:
		return nil, ErrNoDevice // a driver without hardware
	default:
		return nil, check("vkEnumeratePhysicalDevices", r)
	}
	if n == 0 {
		return nil, ErrNoDevice
	}
	list := make([]vulkan.PhysicalDevice, n)
	if r := i.faults.next("vkEnumeratePhysicalDevices"); r != Success {
		return nil, check("vkEnumeratePhysicalDevices", r)
	}
	if err := check("vkEnumeratePhysicalDevices", Result(vulkan.EnumeratePhysicalDevices(inst, &n, list))); err != nil {
		return nil, err
	}
	var infos []Info
	for k, phys := range list[:n] {
		info, err := i.query(Handle(uintptr(unsafe.Pointer(phys))))
		if err != nil {
			return nil, err
		}
		info.Index = k
		infos = append(infos, info)
	}
	return infos, nil
}

func (i *Instance) query(phys Handle) (Info, error) {
	var c C.cvk_info
	if err := check("vkGetPhysicalDeviceProperties2", Result(C.cvk_query(i.gipa, C.cvk_handle(i.handle), C.cvk_handle(phys), &c))); err != nil {
		return Info{}, err
	}
	info := Info{
		Name: C.GoString(&c.name[0]), DriverName: C.GoString(&c.driver_name[0]), DriverInfo: C.GoString(&c.driver_info[0]),
		UUID: hex.EncodeToString(C.GoBytes(unsafe.Pointer(&c.uuid[0]), 16)),
		Type: DeviceType(c._type), Driver: uint32(c.driver_version),
		API:             fmt.Sprintf("%d.%d.%d", c.api>>22, c.api>>12&0x3ff, c.api&0xfff),
		MaxStorageRange: int64(c.max_storage_range), MaxAllocation: int64(c.max_allocation), MaxTexels: int64(c.max_texels),
		StorageAlign: int64(c.storage_align), TexelAlign: int64(c.texel_align),
		MaxInvocations: int(c.max_invocations), MaxShared: int(c.max_shared), ComputeUnits: int(c.compute_units), VectorRegisters: int(c.vector_registers), MaxPush: int(c.max_push), MaxSlots: int(c.max_slots),
		Subgroup: int(c.subgroup), MinSubgroup: int(c.min_subgroup), MaxSubgroup: int(c.max_subgroup),
		Storage16: c.storage16 != 0, Float16: c.float16 != 0, Statistics: c.statistics != 0, SizeControl: c.size_control != 0, FullSubgroups: c.full_subgroups != 0,
		Vendor: uint32(c.vendor), Device: uint32(c.device), DriverID: uint32(c.driver_id),
		TimestampBits: int(c.timestamps), Invocations: c.invocations != 0, TimestampNS: float64(c.timestamp_ns), LocalHeap: int64(c.local_heap),
		Validation: i.validated, Computes: c.queue >= 0, queue: int(c.queue), physical: phys,
	}
	if info.MaxAllocation == 0 {
		info.MaxAllocation = 1 << 30 // what each device of Vulkan 1.1 has
	}
	process.Lock()
	surface := process.surface
	process.Unlock()
	if surface != 0 {
		if family, bits, ok := presentFamily(i, phys, surface); ok {
			info.queue, info.TimestampBits, info.Presents = family, bits, true
		}
	}
	const computeStage = 0x20 // VK_SHADER_STAGE_COMPUTE_BIT
	if c.subgroup_stages&computeStage != 0 {
		info.SubgroupOps = uint32(c.subgroup_ops)
	}
	for k := range 3 {
		info.MaxSize[k], info.MaxGroups[k] = int(c.max_size[k]), int64(c.max_groups[k])
	}
	return info, nil
}

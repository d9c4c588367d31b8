package run

import (
	"fmt"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// unusable is why the engine can't run on a device, as the end of a sentence about it;
// "" where it can.
func unusable(info vk.Info) string {
	var major, minor int
	fmt.Sscanf(info.API, "%d.%d", &major, &minor)
	least := plan.BaselineLimits()
	switch {
	case major < 1 || major == 1 && minor < 1:
		return fmt.Sprintf("has Vulkan %s, and 1.1 is needed", info.API)
	case !info.Computes:
		return "has no queue that computes"
	case info.Subgroup < 1:
		return "reports subgroups without invocations (where LP_NATIVE_VECTOR_WIDTH is set, it has to be 128, 256 or 512)"
	case info.MaxSlots < storageSlots():
		return fmt.Sprintf("binds at most %d storage buffers to a kernel, and %d are needed", info.MaxSlots, storageSlots())
	}
	for _, x := range []struct {
		what       string
		has, needs int64
	}{
		{"bytes in a storage buffer", info.MaxStorageRange, least.MaxStorageRange},
		{"bytes of shared memory", int64(info.MaxShared), int64(least.MaxShared)},
		{"invocations in a workgroup", int64(info.MaxInvocations), int64(least.MaxInvocations)},
		{"workgroups", info.MaxGroups[0], int64(least.MaxWorkgroups[0])},
		{"bytes of push constants", int64(info.MaxPush), int64(least.MaxPush)},
	} {
		if x.has < x.needs {
			return fmt.Sprintf("has at most %d %s, and Vulkan promises %d", x.has, x.what, x.needs)
		}
	}
	return ""
}

// storageSlots is how many storage buffers the kernels bind at most.
func storageSlots() int {
	most := 0
	for _, k := range shaders.Manifest() {
		most = max(most, len(k.Bindings))
	}
	return most
}

package engine

import (
	"math"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// limitsOf copies what planning needs from a device.
func limitsOf(info vk.Info, memory int64) plan.Limits {
	types := map[vk.DeviceType]plan.DeviceType{vk.TypeDiscrete: plan.Discrete, vk.TypeIntegrated: plan.Integrated, vk.TypeVirtual: plan.Virtual, vk.TypeCPU: plan.CPU}
	l := plan.Limits{
		Device: info.Name, Driver: info.DriverName + " " + info.DriverInfo, Type: types[info.Type],
		MaxStorageRange: info.MaxStorageRange, MaxAllocation: info.MaxAllocation, MaxTexels: int(min(info.MaxTexels, math.MaxInt32)),
		StorageAlign: info.StorageAlign, TexelAlign: info.TexelAlign, MaxInvocations: info.MaxInvocations, MaxWorkgroupSize: info.MaxSize,
		MaxShared: info.MaxShared, MaxPush: info.MaxPush, Subgroup: info.Subgroup,
		Shuffle: info.SubgroupOps&vk.SubgroupShuffle != 0, Ballot: info.SubgroupOps&vk.SubgroupBallot != 0,
		Storage16: info.Storage16, Memory: memory,
	}
	if l.Type == "" {
		l.Type = plan.Other
	}
	for i, n := range info.MaxGroups {
		l.MaxWorkgroups[i] = int(min(n, math.MaxInt32))
	}
	if l.Memory == 0 {
		l.Memory = info.LocalHeap
	}
	l.Quirks()
	return l
}

package run

import (
	"math"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// LimitsOf copies what planning needs from a device.
func LimitsOf(info vk.Info, memory int64) plan.Limits {
	types := map[vk.DeviceType]plan.DeviceType{vk.TypeDiscrete: plan.Discrete, vk.TypeIntegrated: plan.Integrated, vk.TypeVirtual: plan.Virtual, vk.TypeSoftware: plan.Software}
	l := plan.Limits{
		Device: info.Name, Driver: info.DriverName + " " + info.DriverInfo, Type: types[info.Type],
		MaxStorageRange: info.MaxStorageRange, MaxAllocation: info.MaxAllocation, MaxTexels: int(min(info.MaxTexels, math.MaxInt32)),
		StorageAlign: info.StorageAlign, TexelAlign: info.TexelAlign, MaxInvocations: info.MaxInvocations, MaxWorkgroupSize: info.MaxSize,
		MaxShared: info.MaxShared, MaxPush: info.MaxPush, Subgroup: subgroupOf(info),
		Shuffle: info.SubgroupOps&vk.SubgroupShuffle != 0, Ballot: info.SubgroupOps&vk.SubgroupBallot != 0,
		Storage16: info.Storage16, Memory: memory, ComputeUnits: info.ComputeUnits,
		Processor: processorOf(info),
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

// subgroupOf is the subgroup size that kernels with subgroup operations are compiled for:
// the processor's best where the device leaves the choice.
func subgroupOf(info vk.Info) int {
	n := processorOf(info).Registers().Subgroup
	if info.SizeControl && info.MinSubgroup <= n && n <= info.MaxSubgroup {
		return n
	}
	return info.Subgroup
}

// requiredSubgroup is the subgroup size that a kernel is compiled for, 0 where that is the
// compiler's choice: Intel's takes the widest that does not spill registers. Subgroups are
// full, so that the workgroup has to have whole ones.
func requiredSubgroup(info vk.Info, k *shaders.Kernel, c shaders.Values) int {
	n := subgroupOf(info)
	if wanted := k.Subgroups || processorOf(info).Registers().Always; !wanted || k.Local(c)[0]%n != 0 {
		return 0
	}
	return n
}

package run

import (
	"math"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
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
		WideShared: 0 < info.VectorRegisters && info.VectorRegisters <= 512,
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

// subgroupOf is the subgroup size that kernels are compiled for: 32 where the
// device leaves the choice. On AMD's RDNA that is the native width: it has
// twice the subgroups to hide latency with, and gfx11 issues two multiply-adds
// at once (docs/isa-report.md).
func subgroupOf(info vk.Info) int {
	if info.SizeControl && info.Type != vk.TypeSoftware && info.MinSubgroup <= 32 && 32 <= info.MaxSubgroup {
		return 32
	}
	return info.Subgroup
}

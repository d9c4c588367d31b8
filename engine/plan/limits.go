package plan

import (
	"fmt"
	"strings"
)

// DeviceType is what kind of processor a device is.
type DeviceType string

// The device types, in the order in which auto prefers them.
const (
	Discrete   DeviceType = "discrete"
	Integrated DeviceType = "integrated"
	Virtual    DeviceType = "virtual"
	Software   DeviceType = "software" // a driver that computes on the CPU
	Other      DeviceType = "other"
)

// Limits is what planning needs to know about a device: copied from one, or
// written by hand.
type Limits struct {
	Device string
	Driver string // driver name and version
	Type   DeviceType

	MaxStorageRange  int64 // bytes of one storage-buffer binding
	MaxAllocation    int64 // bytes of one memory allocation
	MaxTexels        int   // elements of one texel buffer
	StorageAlign     int64 // alignment of storage-buffer offsets
	TexelAlign       int64
	MaxInvocations   int // of a workgroup
	MaxWorkgroupSize [3]int
	MaxWorkgroups    [3]int
	MaxShared        int // bytes of a workgroup
	MaxPush          int // bytes of push constants
	Subgroup         int // subgroup size
	Shuffle          bool
	Ballot           bool
	Storage16        bool // fp16 in storage buffers
	MaxLoops         int  // iterations of an invocation; 0: no limit known
	Memory           int64
	ComputeUnits     int // 0: unknown
	Processor        Processor
	Load             Load // how the lanes kernels read tensors faster; "": not measured
}

// loopBound stays below the 65,535 iterations after which llvmpipe silently
// ends an invocation.
const loopBound = 60000

// chunkBytes bounds one device buffer of the arena, unless a single tensor is larger.
const chunkBytes = 256 << 20

// BaselineLimits are the minima that the Vulkan specification guarantees: a
// plan that fits them runs anywhere.
func BaselineLimits() Limits {
	return Limits{Device: "baseline", Driver: "none", Type: Discrete, MaxStorageRange: 1 << 27, MaxAllocation: 1 << 30, MaxTexels: 65536,
		StorageAlign: 256, TexelAlign: 256, MaxInvocations: 128, MaxWorkgroupSize: [3]int{128, 128, 64},
		MaxWorkgroups: [3]int{65535, 65535, 65535}, MaxShared: 16384, MaxPush: 128, Subgroup: 32, MaxLoops: loopBound, Memory: 1 << 30}
}

// mostSubgroup is the largest subgroup that Vulkan has.
const mostSubgroup = 128

// Check refuses limits with which nothing can be planned, and says which: drivers
// report nonsense where a variable of theirs is set to nonsense, such as
// LP_NATIVE_VECTOR_WIDTH of llvmpipe.
func (l *Limits) Check() error {
	if l.Subgroup < 1 || l.Subgroup > mostSubgroup {
		fact := fmt.Sprintf("the device reports subgroups of %d invocations, want 1 to %d", l.Subgroup, mostSubgroup)
		if strings.Contains(l.Device, "llvmpipe") {
			fact += ": where LP_NATIVE_VECTOR_WIDTH is set, it has to be 128, 256 or 512"
		}
		return &LimitError{-1, "", fact}
	}
	for _, n := range []struct {
		what string
		have int64
	}{
		{"bytes in a storage buffer", l.MaxStorageRange}, {"bytes in an allocation", l.MaxAllocation},
		{"invocations in a workgroup", int64(l.MaxInvocations)}, {"bytes of push constants", int64(l.MaxPush)},
		{"invocations along x", int64(l.MaxWorkgroupSize[0])}, {"invocations along y", int64(l.MaxWorkgroupSize[1])},
		{"workgroups along x", int64(l.MaxWorkgroups[0])}, {"workgroups along y", int64(l.MaxWorkgroups[1])}, {"workgroups along z", int64(l.MaxWorkgroups[2])},
		{"bytes between storage buffers", l.StorageAlign},
	} {
		if n.have < 1 {
			return &LimitError{-1, "", fmt.Sprintf("the device reports %d %s, want 1 at least", n.have, n.what)}
		}
	}
	return nil
}

// Quirks fills in what no query tells.
func (l *Limits) Quirks() {
	if strings.Contains(strings.ToLower(l.Device+" "+l.Driver), "llvmpipe") {
		l.MaxLoops = loopBound
	}
}

// LimitError says that a plan does not fit a device.
type LimitError struct {
	Dispatch int // −1: the plan as a whole
	Kernel   string
	Fact     string
}

func (e *LimitError) Error() string {
	if e.Dispatch < 0 {
		return "plan: " + e.Fact
	}
	return fmt.Sprintf("plan: dispatch %d %s: %s", e.Dispatch, e.Kernel, e.Fact)
}

package vk

// Handle is a Vulkan handle as a number.
type Handle uint64

// MemoryKind says what a buffer's memory is for.
type MemoryKind uint8

// The kinds.
const (
	Local    MemoryKind = iota // the device's own; mapped too where the device shares the host's
	Upload                     // written by the host
	Readback                   // read by the host, cached
)

// SlotKind is the descriptor type of a binding.
type SlotKind uint8

// The slot kinds.
const (
	Storage SlotKind = 0
	Texel   SlotKind = 1
)

// PipelineInfo describes a pipeline.
type PipelineInfo struct {
	Code      []byte // SPIR-V
	Slots     []SlotKind
	PushBytes int
	Spec      []uint32 // constants 0 … n−1
	Subgroup  int      // the kernel relies on full subgroups of this size, which is asked for where the device can choose; 0: it relies on none
}

// Binding puts a part of a buffer into a slot; View is set for texel slots.
type Binding struct {
	Buffer *Buffer
	Offset int64
	Size   int64
	View   *View
}

// Dispatch is one execution of a pipeline.
type Dispatch struct {
	Pipeline *Pipeline
	Bindings []Binding // one a slot
	Push     []uint32
	Base     [3]int // the first workgroup: 0 but for parts of a grid
	Grid     [3]int // how many workgroups
	Barrier  bool   // wait for earlier dispatches

	set Handle // of the bindings; see NewSets
}

// Copy copies between buffers.
type Copy struct {
	From, To     *Buffer
	FromAt, ToAt int64
	Size         int64
}

// Recording is what a command buffer does: copies in, dispatches, copies out.
// NewSets was called for the dispatches.
type Recording struct {
	CopyIn     []Copy
	Dispatches []Dispatch
	Untimed    []Dispatch // behind them
	CopyOut    []Copy
	Queries    *Queries // two timestamps for each of Dispatches, nil: none
	First      int      // index of Dispatches[0] among the queries
	Counts     *Counts  // how often a kernel was invoked, nil: not counted
	Count      int      // index of the command buffer among the counts
	HostWrites bool     // the host has written what is copied or read
}

// Fault says which calls fail.
type Fault struct {
	Call   string // the function's name, such as vkMapMemory; "": all count
	After  int    // so many calls are made
	Times  int    // and so many fail
	Result Result
}

// Component is the type of a cooperative matrix's places, a VkComponentTypeKHR.
type Component uint32

// The components that kernels of this project have; devices may have others.
const (
	Float16 Component = 0
	Float32 Component = 1
	Int8    Component = 3
	Int32   Component = 5
)

// Scope says who has a cooperative matrix together, a VkScopeKHR.
type Scope uint32

// The scopes.
const (
	Workgroup Scope = 2
	Subgroup  Scope = 3
)

// Matrix is a kind of cooperative matrices that a device multiplies: D = A·B + D,
// where A is M×K, B is K×N and D is M×N.
type Matrix struct {
	M, N, K     int // a workgroup's may be any multiples of these
	A, B, D     Component
	Result      Component // of the sum; D's but for unusual devices
	Scope       Scope
	Saturates   bool // sums stay at the end of the component's range
	Invocations int  // that the workgroup must have, 0: any whole subgroups
}

// Matrices are what OpenMatrices gives.
type Matrices struct {
	Device *Device
	Kinds  []Matrix
	Int8   bool // kernels may compute with integers of 8 bits
}

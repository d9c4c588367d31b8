package vk

// DeviceType is a VkPhysicalDeviceType.
type DeviceType uint32

// The device types.
const (
	TypeOther DeviceType = iota
	TypeIntegrated
	TypeDiscrete
	TypeVirtual
	TypeSoftware
)

func (t DeviceType) String() string {
	if t > TypeSoftware {
		t = TypeOther
	}
	return [...]string{"other", "integrated", "discrete", "virtual", "software"}[t]
}

// Subgroup operations, as VkSubgroupFeatureFlagBits.
const (
	SubgroupBallot  = 8
	SubgroupShuffle = 16
)

// Info is what a device reports about itself.
type Info struct {
	Index      int // place in the loader's list
	Name       string
	DriverName string
	DriverInfo string
	UUID       string // hexadecimal
	Type       DeviceType
	API        string
	Vendor     uint32 // the vendor's number at PCI, or from 0x10000 on at Khronos
	Device     uint32 // the vendor's number for the device
	DriverID   uint32 // VkDriverId, 0: the driver doesn't tell
	Driver     uint32 // driver version, in the vendor's encoding
	Computes   bool   // it has a queue for kernels
	Presents   bool   // that queue shows pictures on the surface that the process has
	Validation bool   // the instance was made with validation layers

	MaxStorageRange int64
	MaxAllocation   int64
	MaxTexels       int64
	StorageAlign    int64
	TexelAlign      int64
	MaxInvocations  int
	MaxSize         [3]int
	MaxGroups       [3]int64
	MaxShared       int
	MaxPush         int
	MaxSlots        int // storage buffers that a kernel can bind
	Subgroup        int
	MinSubgroup     int
	MaxSubgroup     int
	SubgroupOps     uint32 // of compute shaders, 0: none
	Storage16       bool
	Float16         bool
	Statistics      bool // VK_KHR_pipeline_executable_properties
	SizeControl     bool // compute kernels may ask for a subgroup size between MinSubgroup and MaxSubgroup
	FullSubgroups   bool // kernels may ask for subgroups without missing invocations
	TimestampBits   int  // of a timestamp that mean something, 0: the device has none
	Invocations     bool // the device counts the invocations of kernels
	TimestampNS     float64
	LocalHeap       int64 // bytes of the largest device-local heap
	ComputeUnits    int   // compute units or multiprocessors, 0: the driver doesn't tell
	VectorRegisters int   // of a lane of a SIMD, on AMD: 256 on GCN, 512 on RDNA and RDNA 2, 768 on RDNA 3; else 0

	queue    int
	physical Handle
}

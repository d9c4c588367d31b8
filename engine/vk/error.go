package vk

import (
	"errors"
	"fmt"
)

// Result is a VkResult.
type Result int32

// The results that callers tell apart.
const (
	Success              Result = 0
	NotReady             Result = 1
	Timeout              Result = 2
	Incomplete           Result = 5
	OutOfHostMemory      Result = -1
	OutOfDeviceMemory    Result = -2
	InitializationFailed Result = -3
	DeviceLost           Result = -4
	MemoryMapFailed      Result = -5
	LayerNotPresent      Result = -6
	ExtensionNotPresent  Result = -7
	FeatureNotPresent    Result = -8
	IncompatibleDriver   Result = -9
	TooManyObjects       Result = -10
	FragmentedPool       Result = -12
	Unknown              Result = -13
	OutOfPoolMemory      Result = -1000069000
)

func (r Result) String() string {
	switch r {
	case Success:
		return "success"
	case NotReady:
		return "not ready"
	case Timeout:
		return "timeout"
	case Incomplete:
		return "incomplete"
	case OutOfHostMemory:
		return "out of host memory"
	case OutOfDeviceMemory:
		return "out of device memory"
	case InitializationFailed:
		return "initialization failed"
	case DeviceLost:
		return "device lost"
	case MemoryMapFailed:
		return "mapping memory failed"
	case LayerNotPresent:
		return "layer not present"
	case ExtensionNotPresent:
		return "extension not present"
	case FeatureNotPresent:
		return "feature not present"
	case IncompatibleDriver:
		return "no compatible driver"
	case TooManyObjects:
		return "too many objects"
	case FragmentedPool, OutOfPoolMemory:
		return "out of descriptor pool memory"
	}
	return fmt.Sprintf("result %d", int32(r))
}

// Error is a call that failed.
type Error struct {
	Call   string
	Result Result
}

func (e *Error) Error() string { return fmt.Sprintf("vulkan: %s: %s", e.Call, e.Result) }

// Is makes errors.Is match the conditions below.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutOfMemory:
		return e.Result == OutOfHostMemory || e.Result == OutOfDeviceMemory || e.Result == OutOfPoolMemory || e.Result == FragmentedPool || e.Result == TooManyObjects
	case ErrDeviceLost:
		return e.Result == DeviceLost
	case ErrTimeout:
		return e.Result == Timeout
	}
	return false
}

// Conditions that an Error may be.
var (
	ErrOutOfMemory = errors.New("vulkan: out of memory")
	ErrDeviceLost  = errors.New("vulkan: device lost")
	ErrTimeout     = errors.New("vulkan: timeout")
)

// ErrConflict says that options ask for something else than what the process has
// already: one instance and the drivers' settings are all its users'.
var ErrConflict = errors.New("vulkan: conflicting options")

// Why there is no device: three different states of a machine. Package drivers finds
// their causes and remedies.
var (
	ErrNoLoader = errors.New("no Vulkan loader")
	ErrNoDriver = errors.New("no Vulkan driver: the loader found none that it could use")
	ErrNoDevice = errors.New("no Vulkan device: a driver is installed, but it reports no device")
)

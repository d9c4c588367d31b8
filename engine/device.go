package engine

import "github.com/crate-vk/crate-vk/engine/run"

// Interpreter, "cpu", is what WithDevice takes for the interpreter: the reference,
// in Go, exact and slow. A software device is something else: a Vulkan driver that
// computes on the CPU.
const Interpreter = run.Interpreter

// DeviceInfo describes a device that Open can select: Index, Name, Type ("discrete",
// "integrated", "virtual", "software", "other", or "reference" of the interpreter),
// Driver, API, UUID, Memory in bytes, Subgroup in invocations, FP16.
type DeviceInfo = run.DeviceInfo

// Devices lists the Vulkan devices, in the loader's order; the interpreter, which is
// always there, is not among them. Without Vulkan the error is ErrNoDevice. It
// executes nothing.
func Devices() ([]DeviceInfo, error) { return run.Devices() }

// Tensor is a value read off a model: its Shape, slowest axis first, and its Data,
// row-major float32.
type Tensor = run.Tensor

// Params is a func(name string) ([]float64, error) that reads a parameter by its
// name, row-major: of a model by canonical name, of a graph by that of its
// Builder.Param.
type Params = run.Params

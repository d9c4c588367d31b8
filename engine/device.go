package engine

import "github.com/crate-vk/crate-vk/engine/run"

// Interpreter is the selector of the interpreter: the reference, on the CPU. A
// driver that computes on the CPU is a software device.
const Interpreter = run.Interpreter

// DeviceInfo describes a device that Open can select.
type DeviceInfo = run.DeviceInfo

// Devices lists the devices, in the loader's order. It executes nothing.
func Devices() ([]DeviceInfo, error) { return run.Devices() }

// Tensor is a value read off a model: row-major, slowest axis first.
type Tensor = run.Tensor

// Params reads a model's parameters by canonical name, in float64.
type Params = run.Params

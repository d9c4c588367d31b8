package engine

import (
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
)

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

// PlanningLimits are the limits of the device that a selector names, without
// opening it.
func PlanningLimits(selector string) (plan.Limits, error) { return run.PlanningLimits(selector) }

// StoredTuning is the choice that an engine with that cache folder would read
// for a device, which is not opened, and its name.
func StoredTuning(selector, dir string) (plan.Choices, string, error) {
	return run.StoredTuning(selector, dir)
}

// Need is the device memory that a plan takes, in bytes.
type Need = run.Need

// NeedOf is what a plan needs: it runs where that is at most the device's memory.
func NeedOf(p *plan.Plan) Need { return run.NeedOf(p) }

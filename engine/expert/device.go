package expert

import (
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
)

// Tuning names the choice of kernel shapes that an engine's outputs may depend on:
// none of the interpreter, static, or a hash of the stored choice that measure.Tune
// made.
func Tuning(e *engine.Engine) string {
	m, release, err := e.Inside(inside.Key{})
	if err != nil { // closed
		return "none"
	}
	defer release()
	return m.Tuning
}

// PlanningLimits are the limits of the device that a selector names, without opening
// it, with what an engine with that cache folder keeps of it.
func PlanningLimits(selector, dir string) (plan.Limits, error) {
	return run.PlanningLimits(selector, dir)
}

// StoredTuning is the choice that an engine with that cache folder would read for a
// device, which is not opened, and its name.
func StoredTuning(selector, dir string) (plan.Choices, string, error) {
	return run.StoredTuning(selector, dir)
}

// Need is the device memory that a plan takes, in bytes.
type Need = run.Need

// NeedOf is what a plan needs: it runs where that is at most the device's memory.
func NeedOf(p *plan.Plan) Need { return run.NeedOf(p) }

// Package inside is the door through which engine/measure and engine/expert reach
// what an engine and a model keep to themselves: their methods Inside want a Key, a
// type that only engine and packages below it can name. So device, weights and plan
// options are no part of the API.
package inside

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Key opens the door. Only engine and packages below it can name it; its field
// keeps an empty struct of somebody else's from converting to it.
type Key struct{ _ int }

// Options are what engine/expert can change of an engine before it is opened. The zero
// value leaves everything to the engine, but for SPIRV, which is set.
type Options struct {
	Family     plan.Family                       // of kernels; "": the one that suits the device
	Without    []string                          // graph passes that are left out, by name, or all
	SPIRV      func(name string) ([]byte, error) // where kernels come from
	VectorBits int                               // of llvmpipe, see vk.Options
	Statistics bool                              // drivers collect statistics of kernels
	Trusted    bool                              // kernels are not tested
	Untuned    bool                              // a stored choice of kernel shapes is ignored
	Simulate   time.Duration                     // of a batch on a device that computes nothing; 0: a real one
	Faults     *vk.Faults                        // calls that a test makes fail
}

// Machine is what an engine runs on, until it is released.
type Machine struct {
	Device    *prove.Device // nil of the interpreter, and of a simulated device
	Simulated bool
	Options   plan.Options // without the kernels that are disabled
	CacheDir  string       // "": nothing is kept
	Limits    plan.Limits  // the baseline of the specification where there is no device
	Tuning    string       // names the choice of kernel shapes
}

// Lacks is an error where there is no device: what the interpreter, or a
// simulated device, does not have or do.
func (m Machine) Lacks(what string) error {
	switch {
	case m.Simulated:
		return fmt.Errorf("engine: a simulated device %s", what)
	case m.Device == nil:
		return fmt.Errorf("engine: the interpreter %s", what)
	}
	return nil
}

// Model is a model on its machine, until it is released.
type Model struct {
	Machine
	Name   string
	Config *crate.Config
	Params run.Params
	Store  *run.WeightStore // nil where there is no device
	Passes pass.Options
	Blame  func(error) error // makes errors of the weights the model's
	// Ending ends, with the reason, when the model or the engine is closed, and Asked
	// is closed when somebody waits for its users to leave: whoever gives control to a
	// caller meanwhile lets go of it then.
	Ending context.Context
	Asked  <-chan struct{}
}

// Opener is an engine. What it shows may be used until release is called: until
// then the engine is not closed.
type Opener interface {
	Inside(Key) (m Machine, release func(), err error)
}

// Attacher is an engine that somebody has objects on. Before the engine's device is closed, as
// the engine is or as the device was lost, drop is called, once nobody is inside. Renew opens
// a device anew that was lost; whoever calls it is not inside.
type Attacher interface {
	Opener
	Attach(key Key, drop func()) (detach func())
	Renew(key Key, lost *prove.Device) error
}

// Tensor is a tensor that stays on the device.
type Tensor interface {
	Inside(Key) *run.Held
}

// ModelOpener is a model on an engine.
type ModelOpener interface {
	Inside(Key) (m Model, release func(), err error)
}

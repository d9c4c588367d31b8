package measure

import (
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// tuneShape compiles, tests and loads one shape.
func tuneShape(ctx context.Context, dev *prove.Device, k *tuneKind, gr *graph.Graph, inputs map[string]*interp.Tensor, params run.Params, name string) (*run.Timed, error) {
	opt := plan.Options{Family: k.plan.Family, Precision: k.plan.Precision, Choices: plan.Choices{k.name: name}}
	p, err := plan.New(gr, dev.Limits, opt)
	if err != nil {
		return nil, err
	}
	d := &p.Dispatches[len(p.Dispatches)-1]
	if got := plan.Shape(d); plan.Kind(p, d) != k.name || got != name {
		return nil, fmt.Errorf("planned as %s %s", d.Kernel.Name, got)
	}
	bad, err := dev.Test(ctx, p, d)
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, bad
	}
	return run.NewTimed(ctx, dev.Device, p, params, inputs)
}

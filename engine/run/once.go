package run

import (
	"context"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// Once loads a plan with weights of its own, runs it once and frees it.
func (d *Device) Once(ctx context.Context, p *plan.Plan, params Params, inputs map[string]*interp.Tensor) (map[string]*Tensor, error) {
	store := NewWeightStore(d, params)
	defer store.Close()
	pr, err := NewProgram(ctx, d, store, p, ProgramOptions{Slots: 1})
	if err != nil {
		return nil, err
	}
	defer pr.Close()
	s, err := pr.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := pr.Fill(s, inputs); err != nil {
		return nil, err
	}
	if err := pr.whole(ctx, s); err != nil {
		return nil, err
	}
	out := map[string]*Tensor{}
	for _, o := range p.Outputs {
		data, shape, err := pr.Output(s, o.Name)
		if err != nil {
			return nil, err
		}
		out[o.Name] = &Tensor{shape, data}
	}
	return out, nil
}

// whole runs a slot that is filled in, once more where a submission was dropped:
// that must not look like a kernel that computes nonsense.
func (pr *Program) whole(ctx context.Context, s *Slot) error {
	return pr.twice(ctx, s, pr.queue.enter(), func() (fact string, err error) {
		if fact, err = pr.arrived(s); fact != dropped && fact != fewer {
			fact = ""
		}
		return fact, err
	})
}

// Fill packs inputs into a slot.
func (pr *Program) Fill(s *Slot, inputs map[string]*interp.Tensor) error {
	for name, t := range inputs {
		mem, lay, err := pr.Input(s, name)
		if err != nil {
			return err
		}
		data, err := lay.Pack(t.Data)
		if err != nil {
			return err
		}
		copy(mem, data)
	}
	return nil
}

// Once runs a slot that is filled in and reads its outputs.
func (pr *Program) Once(ctx context.Context, s *Slot) error {
	if err := pr.Execute(ctx, s); err != nil {
		return err
	}
	for _, out := range pr.Plan.Outputs {
		if _, _, err := pr.Output(s, out.Name); err != nil {
			return err
		}
	}
	return nil
}

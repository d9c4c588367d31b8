package run

import (
	"context"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// Stepper runs a plan one dispatch at a time.
type Stepper struct {
	pr   *Program
	slot *Slot
	read *vk.Buffer // large enough for any buffer of the plan
	next int
}

// NewStepper puts a plan on a device.
func NewStepper(ctx context.Context, d *Device, store *WeightStore, p *plan.Plan) (*Stepper, error) {
	pr, err := NewProgram(ctx, d, store, p, ProgramOptions{Slots: 1})
	if err != nil {
		return nil, err
	}
	size := int64(64)
	for _, b := range p.Buffers {
		size = max(size, b.Layout.Bytes())
	}
	read, err := d.VK.NewBuffer(size, vk.Readback)
	if err != nil {
		pr.Close()
		return nil, err
	}
	return &Stepper{pr: pr, slot: <-pr.free, read: read}, nil
}

// Input is the memory for an input, to be filled in before the first step.
func (s *Stepper) Input(name string) ([]byte, error) {
	mem, _, err := s.pr.Input(s.slot, name)
	return mem, err
}

// Next is the dispatch that Step would execute; nil behind the last.
func (s *Stepper) Next() *plan.Dispatch {
	if s.next == len(s.pr.Plan.Dispatches) {
		return nil
	}
	return &s.pr.Plan.Dispatches[s.next]
}

// Completes reports that no later dispatch goes on with what the next one writes.
func (s *Stepper) Completes() bool { return s.pr.Plan.Completes(s.next) }

// Step executes the next dispatch and reads buffer b back.
func (s *Stepper) Step(b int) ([]float32, error) {
	buf := s.pr.Plan.Buffers[b]
	size := buf.Layout.Bytes()
	r := vk.Recording{Dispatches: s.pr.dispatches[s.next : s.next+1],
		CopyOut: []vk.Copy{{From: s.pr.spaces[buf.Space], FromAt: buf.Offset, To: s.read, Size: size}}}
	if s.next == 0 {
		r.HostWrites, r.CopyIn = true, s.pr.copies(s.pr.inputs(), s.slot.up, true, nil)
	}
	cmds, err := s.pr.dev.Record(r)
	if err != nil {
		return nil, err
	}
	err = s.pr.dev.Submit([]*vk.Commands{cmds}, s.slot.fence)
	if err == nil {
		err = s.pr.await(s.slot)
	}
	cmds.Destroy()
	if err != nil {
		return nil, err
	}
	s.next++
	out := make([]float32, buf.Layout.Rows*buf.Layout.Columns)
	return out, buf.Layout.Unpack(out, s.read.Bytes()[:size])
}

// Close frees everything.
func (s *Stepper) Close() {
	s.read.Destroy()
	s.pr.Close()
}

package run

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// Drivers have been seen to recover from a hang, drop what was submitted, and
// report success. So each run carries a mark: a number that is copied to the
// device with the inputs, from submission to submission behind each one's
// dispatches, and back with the outputs. A submission that was dropped breaks
// the chain: what comes back is the mark of an earlier run.
const markBytes = 256 // each has an aligned place of its own

// dropped is what is wrong with a run whose mark did not come back.
const dropped = "a submission was not executed"

// passMark adds the mark's way to command buffer i of a run.
func (pr *Program) passMark(r *vk.Recording, s *Slot, i int, last bool) {
	at := int64(i) * markBytes
	if i == 0 {
		r.CopyIn = append(r.CopyIn, vk.Copy{From: s.up, FromAt: s.up.Size() - markBytes, To: pr.marks, Size: 16})
	}
	out := vk.Copy{From: pr.marks, FromAt: at, To: pr.marks, ToAt: at + markBytes, Size: 16}
	if last {
		out.To, out.ToAt = s.down, s.down.Size()-markBytes
	}
	r.CopyOut = append(r.CopyOut, out)
}

// setMark gives a slot that is about to be submitted a mark of its own.
func (pr *Program) setMark(s *Slot) {
	s.mark += 0x9E3779B97F4A7C15 // no two runs of a slot share it, nor any two slots
	for i, t := range pr.slots {
		if t == s {
			binary.LittleEndian.PutUint64(s.up.Bytes()[s.up.Size()-markBytes:], s.mark)
			binary.LittleEndian.PutUint64(s.up.Bytes()[s.up.Size()-markBytes+8:], uint64(i))
		}
	}
}

// arrived reports that the mark of a finished run came back.
func (pr *Program) arrived(s *Slot) bool {
	sent, back := s.up.Bytes()[s.up.Size()-markBytes:][:16], s.down.Bytes()[s.down.Size()-markBytes:][:16]
	return string(sent) == string(back)
}

// finish runs a slot that is filled in and unpacks its outputs. A run that is
// not whole, or whose outputs are not numbers, is recorded and run once more.
func (pr *Program) finish(ctx context.Context, s *Slot, t *turn) (out map[string]*Tensor, err error) {
	err = pr.twice(ctx, s, t, func() (fact string, err error) {
		out, fact, err = pr.take(s)
		return fact, err
	})
	return out, err
}

// twice runs a slot that is filled in, and once more where look tells what is
// wrong with what came back.
func (pr *Program) twice(ctx context.Context, s *Slot, t *turn, look func() (fact string, err error)) error {
	for again := false; ; again = true {
		if err := pr.execute(ctx, s, t); err != nil {
			return err
		}
		fact, err := look()
		if err != nil || fact == "" {
			return err
		}
		if again && fact != dropped {
			return &NotFiniteError{fact}
		}
		if again {
			return fmt.Errorf("%w: %s", ErrLostWork, fact)
		}
		s.segments, t = 0, pr.queue.enter() // recorded anew
	}
}

// take unpacks the outputs of a finished run, or says what is wrong with them.
func (pr *Program) take(s *Slot) (out map[string]*Tensor, fact string, err error) {
	if !pr.arrived(s) {
		return nil, dropped, nil
	}
	out = map[string]*Tensor{}
	for _, o := range pr.read() {
		data, shape, err := pr.Output(s, o.Name)
		if err != nil {
			return nil, "", err
		}
		if pr.Plan.Graph.Output(o.Name).Type.DType != graph.U32 {
			for i, x := range data {
				if x-x != 0 { // NaN for NaN and the infinities
					return nil, fmt.Sprintf("element %d of %s is %v", i, o.Name, x), nil
				}
			}
		}
		out[o.Name] = &Tensor{shape, data}
	}
	return out, "", nil
}

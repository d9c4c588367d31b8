package run

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// Drivers have been seen to recover from a hang, drop what was submitted, and
// report success. So each run carries a mark: a number that is copied to the
// device with the inputs, that a dispatch behind each submission's work hands on,
// and that is copied back with the outputs (chain.go). A submission that was
// dropped, or its end, breaks the chain: what comes back is the mark of an earlier
// run. What is dropped in the middle of a submission leaves values of an earlier
// run, which nobody can tell from right ones; where the device counts how often
// kernels are invoked, the count is too small then.

// What is wrong with a run.
const (
	dropped = "a submission was not executed"
	fewer   = "some of the work was not executed"
)

// lost reports a fact that says that the device did not do the work; all others are
// about numbers that are not finite.
func lost(fact string) bool { return fact == dropped || fact == fewer }

// setMark gives a slot that is about to be submitted a mark of its own.
func (pr *Program) setMark(s *Slot) {
	s.mark = rand.Uint64()
	for r := s.up.Bytes()[s.up.Size()-pr.chain.bytes():]; len(r) >= recordBytes; r = r[recordBytes:] {
		binary.LittleEndian.PutUint64(r, s.mark)
		binary.LittleEndian.PutUint64(r[8:], 0)
	}
}

// arrived says what is wrong with a finished run by its mark: "" where it came back
// through all links, the work was done and gave numbers.
func (pr *Program) arrived(s *Slot) (fact string, err error) {
	links, invocations, pieces := 0, int64(0), s.pieces()
	for _, p := range pieces {
		links, invocations = links+p.links, invocations+p.invocations
	}
	notFinite := 0
	for r := s.down.Bytes()[s.down.Size()-pr.chain.bytes():][:pr.chain.records*recordBytes]; len(r) > 0; r = r[recordBytes:] {
		if binary.LittleEndian.Uint64(r) != s.mark || binary.LittleEndian.Uint32(r[12:]) != uint32(links) {
			return dropped, nil
		}
		notFinite += int(binary.LittleEndian.Uint32(r[8:]))
	}
	if s.counts != nil {
		switch n, err := s.counts.Sum(len(pieces)); {
		case notReady(err), err == nil && n < invocations:
			return fewer, nil
		case err != nil:
			return "", err
		}
	}
	if notFinite > 0 {
		return fmt.Sprintf("%d values behind the outputs are not finite", notFinite), nil
	}
	return "", nil
}

func notReady(err error) bool {
	var e *vk.Error
	return errors.As(err, &e) && e.Result == vk.NotReady
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
		switch {
		case again && lost(fact):
			return fmt.Errorf("%w: %s", ErrLostWork, fact)
		case again:
			return &NotFiniteError{fact}
		}
		s.segments, t = 0, pr.queue.enter() // recorded anew
	}
}

// take unpacks the outputs of a finished run, or says what is wrong with them.
func (pr *Program) take(s *Slot) (out map[string]*Tensor, fact string, err error) {
	// What the host reads itself names the value.
	fact, err = pr.arrived(s)
	if err != nil || lost(fact) {
		return nil, fact, err
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
	return out, fact, nil
}

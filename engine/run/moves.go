package run

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// moves are what one run copies between the arena and tensors that are held on
// the device. They have command buffers of their own, before and behind those of
// the slot, which are the same for all runs.
type moves struct {
	in, out  []vk.Copy
	borrowed []int   // buffers of inputs that in fills
	sources  []*Held // that the run holds
	kept     map[string]*Held

	before, behind *piece // nil: none
}

// keeps reports an output that is held and not read.
func (pr *Program) keeps(name string) bool { return slices.Contains(pr.keep, name) }

// fill makes a slot ready for a run: what the host has goes into the slot's
// memory, what is held in the layout of its buffer is copied on the device, and
// outputs to be held get their memory. What is held in another layout goes
// through the host.
func (pr *Program) fill(s *Slot, in Inputs) error {
	at := int64(0)
	for _, b := range pr.inputs() {
		buf := pr.Plan.Buffers[b]
		name, mem := pr.Plan.Value(buf.Value).Str("name"), s.up.Bytes()[at:at+buf.Layout.Bytes()]
		at += roundUp(buf.Layout.Bytes())
		x, ok := in[name]
		if !ok {
			return fmt.Errorf("engine: no input %q", name)
		}
		if x.Held != nil {
			if err := x.Held.Hold(); err != nil {
				return fmt.Errorf("engine: input %q: %w", name, err)
			}
			s.sources = append(s.sources, x.Held)
			if from, ok := x.Held.source(pr.dev, buf.Layout); ok {
				s.borrowed = append(s.borrowed, b)
				s.in = append(s.in, vk.Copy{From: from.buffer, To: pr.spaces[buf.Space], ToAt: buf.Offset, Size: from.size})
				continue
			}
			t, err := x.Held.Read()
			if err != nil {
				return err
			}
			x = Input{Floats: t.Data}
		}
		if err := x.pack(mem, buf.Layout); err != nil {
			return fmt.Errorf("engine: input %q: %w", name, err)
		}
	}
	s.kept = map[string]*Held{}
	for _, o := range pr.Plan.Outputs {
		if !pr.keeps(o.Name) {
			continue
		}
		h, err := pr.hold(o)
		if err != nil {
			return err
		}
		s.kept[o.Name] = h
		for i, b := range o.Buffers {
			buf := pr.Plan.Buffers[b]
			s.out = append(s.out, vk.Copy{From: pr.spaces[buf.Space], FromAt: buf.Offset, To: h.buffer, ToAt: h.parts[i].at, Size: buf.Layout.Bytes()})
		}
	}
	return nil
}

// settle is the end of a run: its sources are let go, and what it was to hold is
// handed over, or freed where the run failed.
func (s *Slot) settle(failed error) (kept map[string]*Held) {
	for _, h := range s.sources {
		h.Release()
	}
	if kept = s.kept; failed != nil {
		for _, h := range kept {
			h.Free(failed)
		}
		kept = nil
	}
	s.dropMoves()
	s.moves = moves{}
	return kept
}

func (s *Slot) dropMoves() {
	s.before.destroy()
	s.behind.destroy()
	s.before, s.behind = nil, nil
}

// recordMoves makes the command buffers of a run's copies, which the mark goes
// through, too.
func (pr *Program) recordMoves(s *Slot) (err error) {
	s.dropMoves()
	if len(s.borrowed) > 0 {
		r := vk.Recording{CopyIn: slices.Clone(s.in), HostWrites: true}
		look := []sight{pr.sightOf(s.borrowed[0]).atMost(glance)}
		if s.before, err = pr.piece(r, s, 0, 0, look, false); err != nil {
			return err
		}
	}
	if len(pr.keep) > 0 {
		link := s.first()
		for _, p := range s.main {
			link += p.links
		}
		// The copies come first: the link looks at what they wrote.
		to := s.out[0]
		look := []sight{{at: place{to.To, to.ToAt, to.Size}, rows: 1, words: int(to.Size / 4), kind: 2}}
		s.behind, err = pr.piece(vk.Recording{CopyIn: slices.Clone(s.out)}, s, s.first()+len(s.main), link, look, true)
	}
	return err
}

// first is the number of the slot's first command buffer among those of a run, and
// of its first link.
func (s *Slot) first() int { return min(len(s.borrowed), 1) }

// pieces are the command buffers of a run, in order.
func (s *Slot) pieces() []*piece {
	var list []*piece
	for _, group := range s.submissions() {
		list = append(list, group...)
	}
	return list
}

// submissions are the command buffers of a run, in the groups in which they are
// handed to the device.
func (s *Slot) submissions() [][]*piece {
	var groups [][]*piece
	for _, p := range s.main {
		groups = append(groups, []*piece{p})
	}
	if s.before != nil {
		groups[0] = []*piece{s.before, groups[0][0]}
	}
	if last := len(groups) - 1; s.behind != nil {
		groups[last] = append(groups[last], s.behind)
	}
	return groups
}

// read are the outputs that are copied to the host.
func (pr *Program) read() []plan.Output {
	return slices.DeleteFunc(slices.Clone(pr.Plan.Outputs), func(o plan.Output) bool { return pr.keeps(o.Name) })
}

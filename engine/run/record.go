package run

import "github.com/crate-vk/crate-vk/engine/vk"

// Recorded are dispatches of a program that are run by themselves.
type Recorded struct {
	cmds *vk.Commands
	sets *vk.Sets // its own; nil where it uses the program's
}

// Alone records dispatch i by itself.
func (pr *Program) Alone(i int) (*Recorded, error) {
	cmds, err := pr.dev.Record(vk.Recording{Dispatches: pr.dispatches[i : i+1]})
	if err != nil {
		return nil, err
	}
	return &Recorded{cmds: cmds}, nil
}

// Repeat records the dispatches from number from on so many times, one after another.
func (pr *Program) Repeat(from, times int) (*Recorded, error) {
	var list []vk.Dispatch
	for range times {
		first := len(list)
		list = append(list, pr.dispatches[from:]...)
		list[first].Barrier = true
	}
	sets, err := pr.dev.NewSets(list)
	if err != nil {
		return nil, err
	}
	cmds, err := pr.dev.Record(vk.Recording{Dispatches: list})
	if err != nil {
		sets.Destroy()
		return nil, err
	}
	return &Recorded{cmds, sets}, nil
}

// Run executes what was recorded, on a slot that is not in flight, and waits.
func (pr *Program) Run(s *Slot, r *Recorded) error {
	if err := pr.dev.Submit([]*vk.Commands{r.cmds}, s.fence); err != nil {
		return err
	}
	return pr.await(s)
}

// Close frees the recording.
func (r *Recorded) Close() {
	r.cmds.Destroy()
	if r.sets != nil {
		r.sets.Destroy()
	}
}

// Nanoseconds are the times of the dispatches of a finished run; nil where the
// program has no timestamps.
func (pr *Program) Nanoseconds(s *Slot) ([]float64, error) {
	if s.queries == nil {
		return nil, nil
	}
	parts, err := s.queries.Nanoseconds()
	if err != nil {
		return nil, err
	}
	ns := make([]float64, len(pr.dispatches))
	for i, of := range s.timed {
		ns[of] += parts[i]
	}
	return ns, nil
}

// timeParts makes room for the times of a slot's parts of dispatches, where dispatches
// are timed: the times of those of one dispatch are added up.
func (pr *Program) timeParts(s *Slot, parts []part) (err error) {
	if !pr.timed {
		return nil
	}
	if s.queries != nil {
		s.queries.Destroy()
	}
	if s.queries, err = pr.dev.NewQueries(len(parts)); err != nil {
		return err
	}
	s.timed = s.timed[:0]
	for _, x := range parts {
		s.timed = append(s.timed, x.of)
	}
	return nil
}

package plan

import "github.com/crate-vk/crate-vk/shaders"

// access is what one dispatch does to one interval of the arena.
type access struct {
	space    int
	from, to int64
	write    bool
}

func (a access) conflicts(b access) bool {
	return (a.write || b.write) && a.space == b.space && a.from < b.to && b.from < a.to
}

// accesses lists what dispatch n touches in the arena. Weights are only read,
// so they never conflict.
func (p *Plan) accesses(n int) []access {
	d := &p.Dispatches[n]
	var list []access
	for slot, b := range d.Bind {
		if b < 0 || p.Buffers[b].Role == Weight {
			continue
		}
		buf := p.Buffers[b]
		list = append(list, access{buf.Space, buf.Offset + d.from(slot), buf.Offset + buf.Layout.Bytes(), d.Kernel.Kernel.Bindings[slot].Access == shaders.Write})
	}
	return list
}

// Barriers puts a barrier before each dispatch that reads what an earlier one
// wrote since the last barrier, or overwrites what it read or wrote.
func (p *Plan) Barriers() {
	var pending []access
	for n := range p.Dispatches {
		now := p.accesses(n)
		p.Dispatches[n].Barrier = false
		if anyConflict(pending, now) {
			p.Dispatches[n].Barrier = true
			pending = pending[:0]
		}
		pending = append(pending, now...)
	}
}

func anyConflict(a, b []access) bool {
	for _, x := range a {
		for _, y := range b {
			if x.conflicts(y) {
				return true
			}
		}
	}
	return false
}

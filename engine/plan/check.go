package plan

import (
	"fmt"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Check holds a plan against a device before anything is recorded: constants
// and bindings against the manifest, workgroup sizes and counts, shared
// memory, push constants, binding ranges, alignment, loop bounds, subgroup
// size; then places, hazards between dispatches without a barrier, and that
// every read finds what its producer wrote.
func (p *Plan) Check(lim Limits) error {
	for n := range p.Dispatches {
		if fact := p.checkDispatch(n, lim); fact != "" {
			return &LimitError{n, p.Dispatches[n].name(), fact}
		}
	}
	if err := p.checkPlaces(lim); err != nil {
		return err
	}
	if err := p.checkHazards(); err != nil {
		return err
	}
	return p.checkContents()
}

func (p *Plan) checkDispatch(n int, lim Limits) string {
	d := &p.Dispatches[n]
	c, err := d.Constants()
	if err != nil {
		return err.Error()
	}
	k, variant := d.Kernel.Kernel, d.Kernel
	local := k.Local(c)
	total := 1
	for i, s := range local {
		total *= s
		if s < 1 || s > lim.MaxWorkgroupSize[i] {
			return fmt.Sprintf("workgroup size %v, the device has %v", local, lim.MaxWorkgroupSize)
		}
		if d.Grid[i] < 1 || d.Grid[i] > lim.MaxWorkgroups[i] {
			return fmt.Sprintf("grid %v, the device has %v", d.Grid, lim.MaxWorkgroups)
		}
	}
	if total > lim.MaxInvocations {
		return fmt.Sprintf("%d invocations a workgroup, the device has %d", total, lim.MaxInvocations)
	}
	if k.Shared != nil {
		if s := k.Shared(c, variant); s > lim.MaxShared {
			return fmt.Sprintf("%d bytes of shared memory, the device has %d", s, lim.MaxShared)
		}
	}
	if 4*len(d.Push) > lim.MaxPush {
		return fmt.Sprintf("%d bytes of push constants, the device has %d", 4*len(d.Push), lim.MaxPush)
	}
	if loops := k.Loops(c, variant); lim.MaxLoops > 0 && loops > lim.MaxLoops {
		return fmt.Sprintf("an invocation loops %d times, the device ends it silently after about %d", loops, lim.MaxLoops)
	}
	if k.Subgroups && c("LANES") != lim.Subgroup {
		return fmt.Sprintf("made for subgroups of %d, the device has %d", c("LANES"), lim.Subgroup)
	}
	if variant.Has("F16") && !lim.Storage16 {
		return "needs 16-bit storage, which the device has not"
	}
	return p.checkBindings(d, lim)
}

func (p *Plan) checkBindings(d *Dispatch, lim Limits) string {
	k, variant := d.Kernel.Kernel, d.Kernel
	if d.At != nil && len(d.At) != len(d.Bind) {
		return fmt.Sprintf("%d places of %d bindings", len(d.At), len(d.Bind))
	}
	for slot, b := range d.Bind {
		name := k.Bindings[slot].Name
		if b < 0 {
			continue
		}
		if b >= len(p.Buffers) {
			return fmt.Sprintf("slot %s is buffer %d of %d", name, b, len(p.Buffers))
		}
		buf := p.Buffers[b]
		write := k.Bindings[slot].Access == shaders.Write
		if write && buf.Role != Scratch {
			return fmt.Sprintf("slot %s writes buffer %d, which is a %v", name, b, buf.Role)
		}
		if want := elemOf(k.Bindings[slot], variant); buf.Layout.Order != Words && buf.Layout.Elem != want {
			return fmt.Sprintf("slot %s is %v in the kernel, buffer %d is %v", name, want, b, buf.Layout.Elem)
		}
		from, to := p.Bound(d, slot)
		if align := max(lim.StorageAlign, lim.TexelAlign, 1); from < 0 || from >= to || from%align != 0 {
			return fmt.Sprintf("slot %s is bound from byte %d of %d on, want a multiple of %d", name, from, to, align)
		}
		size := to - from
		if variant.Has("TEXEL") && !k.Bindings[slot].Buffer {
			if texels := size / int64(4*buf.Layout.Elem.Bytes()); texels > int64(lim.MaxTexels) {
				return fmt.Sprintf("slot %s has %d texels, the device allows %d", name, texels, lim.MaxTexels)
			}
		} else if size > lim.MaxStorageRange {
			return fmt.Sprintf("slot %s binds %d bytes, the device allows %d", name, size, lim.MaxStorageRange)
		}
		for other, o := range d.Bind {
			if other != slot && o == b && (write || k.Bindings[other].Access == shaders.Write) {
				return fmt.Sprintf("slots %s and %s are one buffer, and one of them is written", name, k.Bindings[other].Name)
			}
		}
	}
	return ""
}

// elemOf is the element type that a variant of a kernel expects in a slot.
func elemOf(b shaders.Binding, v *shaders.Variant) graph.DType {
	if v.Has("F16") && !b.Wide {
		return graph.F16
	}
	return graph.F32
}

func (p *Plan) checkPlaces(lim Limits) error {
	align := max(lim.StorageAlign, lim.TexelAlign, 1)
	for i, b := range p.Buffers {
		if b.Role == Weight {
			continue
		}
		if b.Space < 0 || b.Space >= len(p.Spaces) || b.Offset < 0 || b.Offset+b.Layout.Bytes() > p.Spaces[b.Space] {
			return &LimitError{-1, "", fmt.Sprintf("buffer %d lies outside the arena", i)}
		}
		if b.Offset%align != 0 {
			return &LimitError{-1, "", fmt.Sprintf("buffer %d lies at %d, which is no multiple of %d", i, b.Offset, align)}
		}
	}
	for s, n := range p.Spaces {
		if n > lim.MaxAllocation {
			return &LimitError{-1, "", fmt.Sprintf("space %d has %d bytes, the device allocates at most %d", s, n, lim.MaxAllocation)}
		}
	}
	return nil
}

// checkHazards looks at every pair of dispatches that touch the same interval,
// one of them writing: a barrier must stand between them.
func (p *Plan) checkHazards() error {
	lists := make([][]access, len(p.Dispatches))
	for j := range p.Dispatches {
		lists[j] = p.accesses(j)
		for i := j - 1; i >= 0 && !p.Dispatches[i+1].Barrier; i-- {
			if anyConflict(lists[i], lists[j]) {
				return &LimitError{j, p.Dispatches[j].name(), fmt.Sprintf("touches what dispatch %d (%s) touches, without a barrier between them", i, p.Dispatches[i].name())}
			}
		}
	}
	return nil
}

// checkContents follows each interval: between the last write of a buffer and
// a read of it no other buffer may be written over it, and what is read must
// have been written.
func (p *Plan) checkContents() error {
	valid := make([]bool, len(p.Buffers))
	for i, b := range p.Buffers {
		valid[i] = b.Role != Scratch
	}
	for n, d := range p.Dispatches {
		k := d.Kernel.Kernel
		for slot, b := range d.Bind {
			if b >= 0 && k.Bindings[slot].Access == shaders.Read && !valid[b] {
				return &LimitError{n, d.name(), fmt.Sprintf("reads buffer %d (%v) whose contents are not there", b, p.Value(p.Buffers[b].Value))}
			}
		}
		for slot, b := range d.Bind {
			if b < 0 || k.Bindings[slot].Access != shaders.Write {
				continue
			}
			for i, o := range p.Buffers {
				if o.Role != Weight && overlap(o, p.Buffers[b]) {
					valid[i] = false
				}
			}
			valid[b] = true
		}
	}
	for _, o := range p.Outputs {
		for _, b := range o.Buffers {
			if b < 0 || b >= len(p.Buffers) || !valid[b] {
				return &LimitError{-1, "", fmt.Sprintf("output %q is not there at the end", o.Name)}
			}
		}
	}
	return nil
}

func overlap(a, b Buffer) bool {
	return a.Space == b.Space && a.Offset < b.Offset+b.Layout.Bytes() && b.Offset < a.Offset+a.Layout.Bytes()
}

// name is the kernel's, for messages.
func (d *Dispatch) name() string {
	if d.Kernel == nil {
		return "?"
	}
	return d.Kernel.Name
}

package plan

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// emission is a dispatch under construction: a kernel gives its constants and
// slots by the manifest's names.
type emission struct {
	l     *lowering
	v     *graph.Value
	d     Dispatch
	set   uint64 // constants that are set: bit i for specialization constant i, then the push constants
	bound uint64 // slots that are bound

	follows []follower
}

// follower is a constant, or two, that a buffer's layout decides.
type follower struct {
	buffer int
	set    func(e *emission, lay Layout)
}

// variant is the compilation of a kernel with these suffixes, for float16 tokens
// if half is set.
func (l *lowering) variant(v *graph.Value, kernel string, half bool, suffixes ...string) *shaders.Variant {
	for _, s := range suffixes {
		kernel += s
	}
	if half {
		kernel += ".f16"
	}
	k, err := shaders.Lookup(kernel)
	if err != nil {
		l.fail(v, "%v", err)
	}
	return k
}

// usable reports a variant that is not disabled.
func (l *lowering) usable(k *shaders.Variant) bool { return k != nil && !l.opt.Disabled[k.Name] }

// emit starts a dispatch that computes v.
func (l *lowering) emit(v *graph.Value, k *shaders.Variant) *emission {
	e := &emission{l: l, v: v, d: Dispatch{Kernel: k, Value: v.ID, FLOPs: v.FLOPs()}}
	if k == nil {
		return e // the lowering has failed
	}
	row := k.Kernel
	constants := make([]uint32, len(row.Spec)+len(row.Push))
	e.d.Spec, e.d.Push = constants[:len(row.Spec):len(row.Spec)], constants[len(row.Spec):]
	e.d.Bind = make([]int, len(row.Bindings))
	return e
}

// constant sets a constant's bits.
func (e *emission) constant(name string, bits uint32) *emission {
	if e.d.Kernel == nil {
		return e
	}
	at, push, ok := e.d.Kernel.Kernel.Constant(name)
	switch {
	case !ok:
		e.l.fail(e.v, "kernel %s has no constant %s", e.d.Kernel.Name, name)
		return e
	case push:
		e.d.Push[at] = bits
		at += len(e.d.Spec)
	default:
		e.d.Spec[at] = bits
	}
	e.set |= 1 << at
	return e
}

// n sets an integer constant.
func (e *emission) n(name string, x int) *emission { return e.constant(name, uint32(x)) }

// f sets a float constant.
func (e *emission) f(name string, x float64) *emission {
	return e.constant(name, math.Float32bits(float32(x)))
}

// flag sets a boolean constant.
func (e *emission) flag(name string, on bool) *emission {
	if on {
		return e.constant(name, 1)
	}
	return e.constant(name, 0)
}

// to binds a buffer; −1 leaves the slot to anything.
func (e *emission) to(slot string, buffer int) *emission {
	if e.d.Kernel == nil {
		return e
	}
	i := e.d.Kernel.Kernel.Slot(slot)
	if i < 0 {
		e.l.fail(e.v, "kernel %s has no slot %s", e.d.Kernel.Name, slot)
		return e
	}
	e.d.Bind[i] = buffer
	e.bound |= 1 << i
	return e
}

// strides sets the row and quad strides of a buffer as constants prefix+"row"
// and prefix+"quad".
func (e *emission) strides(prefix string, buffer int) *emission {
	return e.follow(buffer, func(e *emission, lay Layout) {
		row, quad := 0, 0
		if lay.Order != 0 {
			row, quad = lay.Strides()
		}
		e.n(prefix+"row", row).n(prefix+"quad", quad)
	})
}

// pitch sets a constant to a buffer's pitch.
func (e *emission) pitch(name string, buffer int) *emission {
	return e.follow(buffer, func(e *emission, lay Layout) { e.n(name, lay.Pitch) })
}

// follow sets constants by a buffer's layout: zeros where there is none.
func (e *emission) follow(buffer int, set func(*emission, Layout)) *emission {
	var lay Layout
	if buffer >= 0 && e.l.err == nil {
		lay = e.l.Buffers[buffer].Layout
		e.follows = append(e.follows, follower{buffer, set})
	}
	set(e, lay)
	return e
}

// spread appends a dispatch of a kernel whose workgroups follow the rows along one
// axis of the grid, 0 for x or 1 for y. Where that is more than the device allows they
// go on along z, from one multiple of the kernel's constant fold to the next.
func (e *emission) spread(x, y, axis int) {
	grid, fold := [3]int{x, y, 1}, 0
	if most := e.l.lim.MaxWorkgroups[axis]; grid[axis] > most {
		grid[2] = ceil(grid[axis], most)
		fold = ceil(grid[axis], grid[2])
		grid[axis] = fold
	}
	e.n("fold", fold).run(grid[0], grid[1], grid[2])
}

// run appends the dispatch. Every constant and slot of the manifest must have
// been set.
func (e *emission) run(x, y, z int) {
	if e.l.err != nil {
		return
	}
	row := e.d.Kernel.Kernel
	for _, b := range e.d.Bind {
		if e.l.cuts[b] != nil {
			e.l.refuse(e.v, b)
			return
		}
	}
	for i, c := range row.Spec {
		e.want(e.set>>i&1 != 0, "constant", c.Name)
	}
	for i, c := range row.Push {
		e.want(e.set>>(len(row.Spec)+i)&1 != 0, "constant", c.Name)
	}
	for i, s := range row.Bindings {
		e.want(e.bound>>i&1 != 0, "slot", s.Name)
	}
	e.d.Grid = [3]int{x, y, z}
	e.l.Dispatches = append(e.l.Dispatches, e.d)
}

func (e *emission) want(is bool, what, name string) {
	if !is {
		e.l.fail(e.v, "kernel %s: %s %s is not set", e.d.Kernel.Name, what, name)
	}
}

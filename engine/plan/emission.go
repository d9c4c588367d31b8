package plan

import (
	"math"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// emission is a dispatch under construction, with constants by name.
type emission struct {
	l      *lowering
	v      *graph.Value
	kernel *shaders.Kernel
	name   string
	set    map[string]uint32
	bind   map[string]int
	flops  int64
}

// emit starts a dispatch. The variant is chosen by the storage of the tokens
// it works on: f16 says that they are float16.
func (l *lowering) emit(v *graph.Value, kernel string, f16 bool, suffixes ...string) *emission {
	name := kernel
	for _, s := range suffixes {
		name += s
	}
	if f16 {
		name += ".f16"
	}
	k, _, err := shaders.Lookup(name)
	if err != nil {
		l.fail(v, "%v", err)
	}
	return &emission{l: l, v: v, kernel: k, name: name, set: map[string]uint32{}, bind: map[string]int{}, flops: v.FLOPs()}
}

// usable reports that a kernel variant is not disabled.
func (l *lowering) usable(kernel string, f16 bool, suffixes ...string) bool {
	for _, s := range suffixes {
		kernel += s
	}
	if f16 {
		kernel += ".f16"
	}
	return !l.opt.Disabled[kernel]
}

// n sets an integer constant.
func (e *emission) n(name string, x int) *emission {
	e.set[name] = uint32(x)
	return e
}

// f sets a float constant.
func (e *emission) f(name string, x float64) *emission {
	e.set[name] = math.Float32bits(float32(x))
	return e
}

// flag sets a boolean constant.
func (e *emission) flag(name string, on bool) *emission {
	e.set[name] = 0
	if on {
		e.set[name] = 1
	}
	return e
}

// to binds a buffer; −1 leaves the slot to anything.
func (e *emission) to(slot string, buffer int) *emission {
	e.bind[slot] = buffer
	return e
}

// strides sets the row and quad strides of a buffer as constants prefix+"row"
// and prefix+"quad".
func (e *emission) strides(prefix string, buffer int) *emission {
	row, quad := 0, 0
	if buffer >= 0 && e.l.err == nil {
		row, quad = e.l.Buffers[buffer].Layout.Strides()
	}
	return e.n(prefix+"row", row).n(prefix+"quad", quad)
}

// run appends the dispatch. Every constant and slot of the manifest must have
// been set, and nothing else.
func (e *emission) run(x, y, z int) {
	if e.l.err != nil {
		return
	}
	d := Dispatch{Kernel: e.name, Value: e.v.ID, Grid: [3]int{x, y, z}, FLOPs: e.flops}
	used := 0
	take := func(name string) uint32 {
		x, ok := e.set[name]
		if !ok {
			e.l.fail(e.v, "kernel %s: constant %s is not set", e.name, name)
		}
		used++
		return x
	}
	for _, c := range e.kernel.Spec {
		d.Spec = append(d.Spec, take(c.Name))
	}
	for _, c := range e.kernel.Push {
		d.Push = append(d.Push, take(c.Name))
	}
	for _, s := range e.kernel.Bindings {
		b, ok := e.bind[s.Name]
		if !ok {
			e.l.fail(e.v, "kernel %s: slot %s is not bound", e.name, s.Name)
		}
		d.Bind = append(d.Bind, b)
	}
	if used != len(e.set) || len(d.Bind) != len(e.bind) {
		e.l.fail(e.v, "kernel %s: a constant or slot is set that it does not have", e.name)
	}
	e.l.Dispatches = append(e.l.Dispatches, d)
}

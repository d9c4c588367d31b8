package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// WaitLimit bounds every wait for the device. A software device may need
// minutes for one large batch.
const WaitLimit = 20 * time.Minute

// Program is a plan on a device: weights, arena, pipelines, descriptor sets,
// and a few slots, each with its own host memory and recorded commands, so
// that one batch is computed while the next is filled in.
type Program struct {
	Plan *plan.Plan

	dev        *vk.Device
	queue      *queue
	spaces     []*vk.Buffer
	views      []*vk.View
	sets       *vk.Sets
	dispatches []vk.Dispatch
	slots      []*Slot
	free       chan *Slot
	keep       []string // outputs that are held on the device
	pace       pace
	counted    bool // invocations are
	timed      bool // each dispatch is
	chain      chain
	lose       func(segment int) bool // tests lose submissions
}

// Slot is what one batch in flight needs for itself.
type Slot struct {
	up, down *vk.Buffer
	main     []*piece // the dispatches
	segments int      // into how many the commands were split
	fence    *vk.Fence
	queries  *vk.Queries   // of the parts of dispatches
	timed    []int         // the dispatch of each
	counts   *vk.Counts    // nil: not counted
	without  []int         // inputs that the commands don't copy in
	took     time.Duration // how long the last run kept the device
	mark     uint64        // of this run
	moves                  // of this run
}

// ProgramOptions of NewProgram.
type ProgramOptions struct {
	Slots      int
	Timestamps bool          // of the dispatches, where the device has them
	Keep       []string      // outputs that are held on the device and not read
	Target     time.Duration // how long one submission may take; 0: submitTarget
	Segments   int           // into how many submissions each run is split; 0: by measured times
}

// NewProgram puts a plan on a device. Weights that the store has not got yet
// are evaluated and uploaded.
func NewProgram(ctx context.Context, d *Device, store *WeightStore, p *plan.Plan, opt ProgramOptions) (_ *Program, err error) {
	dev := d.VK
	pr := &Program{dev: dev, queue: &d.queue, Plan: p, keep: opt.Keep, timed: opt.Timestamps && dev.TimestampBits > 0}
	defer func() {
		if err != nil {
			pr.Close()
		}
	}()
	// Pipelines are compiled while weights are evaluated.
	var list []*vk.Pipeline
	compiled := make(chan error, 1)
	go func() {
		var err error
		list, err = d.pipelines.all(p.Dispatches)
		compiled <- err
	}()
	weights, err := store.Load(ctx, p)
	if failed := <-compiled; err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	for _, size := range p.Spaces {
		b, err := dev.NewBuffer(max(size, 64), vk.Local)
		if err != nil {
			return nil, err
		}
		pr.spaces = append(pr.spaces, b)
	}
	for i := range p.Dispatches {
		d, err := pr.dispatch(&p.Dispatches[i], list[i], weights)
		if err != nil {
			return nil, err
		}
		pr.dispatches = append(pr.dispatches, d)
	}
	if len(pr.dispatches) > 0 {
		if pr.sets, err = dev.NewSets(pr.dispatches); err != nil {
			return nil, err
		}
	}
	pr.pace = newPace(p, opt.Target, opt.Segments)
	if err := pr.makeChain(d); err != nil {
		return nil, err
	}
	pr.counted = d.counts
	pr.free = make(chan *Slot, opt.Slots)
	for range opt.Slots {
		if err := pr.addSlot(opt); err != nil {
			return nil, err
		}
	}
	return pr, nil
}

// dispatch binds a plan's dispatch. A slot that the kernel does not look at
// gets a buffer that it reads anyway.
func (pr *Program) dispatch(d *plan.Dispatch, pipe *vk.Pipeline, weights map[int]place) (vk.Dispatch, error) {
	k, variant := d.Kernel.Kernel, d.Kernel
	out := vk.Dispatch{Pipeline: pipe, Push: d.Push, Grid: d.Grid, Barrier: d.Barrier}
	stand := 0
	for i, b := range d.Bind {
		if b >= 0 {
			stand = i
			break
		}
	}
	for slot, b := range d.Bind {
		from := int64(0)
		if b >= 0 {
			from, _ = pr.Plan.Bound(d, slot)
		} else {
			b = d.Bind[stand]
			if k.Bindings[slot].Access == shaders.Write {
				b = d.Written()
			}
		}
		at := pr.place(b, weights)
		bind := vk.Binding{Buffer: at.buffer, Offset: at.offset + from, Size: at.size - from}
		if variant.Has("TEXEL") && !k.Bindings[slot].Buffer {
			half := pr.Plan.Buffers[b].Layout.Elem == graph.F16
			v, err := at.buffer.NewView(bind.Offset, bind.Size, half)
			if err != nil {
				return vk.Dispatch{}, err
			}
			pr.views = append(pr.views, v)
			bind.View = v
		}
		out.Bindings = append(out.Bindings, bind)
	}
	return out, nil
}

func (pr *Program) place(b int, weights map[int]place) place {
	buf := pr.Plan.Buffers[b]
	if buf.Role == plan.Weight {
		return weights[b]
	}
	return place{pr.spaces[buf.Space], buf.Offset, buf.Layout.Bytes()}
}

func (pr *Program) inputs() []int {
	var list []int
	for i, b := range pr.Plan.Buffers {
		if b.Role == plan.Input {
			list = append(list, i)
		}
	}
	return list
}

// outputs are the buffers that are copied to the host.
func (pr *Program) outputs() []int {
	var list []int
	for _, o := range pr.read() {
		list = append(list, o.Buffers...)
	}
	return list
}

// hostBytes is the size of host memory for buffers one behind another.
func (pr *Program) hostBytes(list []int) int64 {
	n := int64(0)
	for _, b := range list {
		n += roundUp(pr.Plan.Buffers[b].Layout.Bytes())
	}
	return max(n, 64)
}

func roundUp(n int64) int64 { return (n + 255) / 256 * 256 }

func (pr *Program) addSlot(opt ProgramOptions) (err error) {
	s := &Slot{}
	pr.slots = append(pr.slots, s)
	if s.up, err = pr.dev.NewBuffer(pr.hostBytes(pr.inputs())+pr.chain.bytes(), vk.Upload); err != nil {
		return err
	}
	if s.down, err = pr.dev.NewBuffer(pr.hostBytes(pr.outputs())+pr.chain.bytes(), vk.Readback); err != nil {
		return err
	}
	if s.fence, err = pr.dev.NewFence(); err != nil {
		return err
	}
	if pr.counted {
		if s.counts, err = pr.dev.NewCounts(pr.pace.most + 3); err != nil {
			return err
		}
	}
	if err := pr.record(s, pr.pace.segments); err != nil {
		return err
	}
	pr.free <- s
	return nil
}

// copies are those between buffers and the host's memory for them, but for some.
func (pr *Program) copies(list []int, host *vk.Buffer, in bool, without []int) []vk.Copy {
	var cs []vk.Copy
	at := int64(0)
	for _, b := range list {
		buf := pr.Plan.Buffers[b]
		size := buf.Layout.Bytes()
		if slices.Contains(without, b) {
			at += roundUp(size)
			continue
		}
		c := vk.Copy{From: host, FromAt: at, To: pr.spaces[buf.Space], ToAt: buf.Offset, Size: size}
		if !in {
			c = vk.Copy{From: pr.spaces[buf.Space], FromAt: buf.Offset, To: host, ToAt: at, Size: size}
		}
		cs = append(cs, c)
		at += roundUp(size)
	}
	return cs
}

// Acquire waits for a slot that is not in flight.
func (pr *Program) Acquire(ctx context.Context) (*Slot, error) {
	select {
	case s := <-pr.free:
		return s, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Input is the slot's memory for an input, in the layout of its buffer.
func (pr *Program) Input(s *Slot, name string) ([]byte, plan.Layout, error) {
	at := int64(0)
	for _, b := range pr.inputs() {
		buf := pr.Plan.Buffers[b]
		if pr.Plan.Value(buf.Value).Str("name") == name {
			return s.up.Bytes()[at : at+buf.Layout.Bytes()], buf.Layout, nil
		}
		at += roundUp(buf.Layout.Bytes())
	}
	return nil, plan.Layout{}, fmt.Errorf("engine: the plan has no input %q", name)
}

// Output unpacks an output of a finished slot, whole, to float32.
func (pr *Program) Output(s *Slot, name string) ([]float32, graph.Shape, error) {
	at := int64(0)
	for _, o := range pr.read() {
		var data []float32
		for _, b := range o.Buffers {
			buf := pr.Plan.Buffers[b]
			size := buf.Layout.Bytes()
			if o.Name == name {
				part := make([]float32, buf.Layout.Rows*buf.Layout.Columns)
				if err := buf.Layout.Unpack(part, s.down.Bytes()[at:at+size]); err != nil {
					return nil, nil, err
				}
				if len(o.Buffers) == 1 {
					data = part
				} else {
					data = append(data, part...)
				}
			}
			at += roundUp(size)
		}
		if o.Name == name {
			return data, slices.Clone(pr.Plan.Graph.Output(name).Shape()), nil // which the caller may change
		}
	}
	return nil, nil, fmt.Errorf("engine: the plan has no output %q", name)
}

// Memory is the device memory of space i of the plan; nil where the host does
// not see it.
func (pr *Program) Memory(i int) []byte { return pr.spaces[i].Bytes() }

// Release gives a slot back that is not in flight.
func (pr *Program) Release(s *Slot) { pr.free <- s }

// Close frees everything; no slot may be in flight.
func (pr *Program) Close() {
	for _, s := range pr.slots {
		s.dropMoves()
		s.dropMain()
		if s.counts != nil {
			s.counts.Destroy()
		}
		if s.queries != nil {
			s.queries.Destroy()
		}
		if s.fence != nil {
			s.fence.Destroy()
		}
		if s.down != nil {
			s.down.Destroy()
		}
		if s.up != nil {
			s.up.Destroy()
		}
	}
	if pr.sets != nil {
		pr.sets.Destroy()
	}
	for _, v := range pr.views {
		v.Destroy()
	}
	for _, b := range pr.spaces {
		b.Destroy()
	}
	pr.chain.close()
	pr.slots, pr.sets, pr.views, pr.spaces = nil, nil, nil, nil
}

package engine

import (
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Check runs a request on the given pixels dispatch by dispatch, beside the
// interpreter, and stops at the first value that disagrees: the error is a
// *KernelError that names value and kernel. It returns how many dispatches
// agreed.
func (m *Model) Check(ctx context.Context, r Request, pixels []byte) (agreed int, err error) {
	m.eng.use.RLock()
	defer m.eng.use.RUnlock()
	return m.check(ctx, r, pixels)
}

// check is Check while the caller holds the engine's use lock.
func (m *Model) check(ctx context.Context, r Request, pixels []byte) (agreed int, err error) {
	g := m.eng.gpu
	if g == nil {
		return 0, fmt.Errorf("engine: the interpreter is the reference itself: there is nothing to check")
	}
	gr, err := m.Graph(r, pass.Options{Without: m.eng.opt.without})
	if err != nil {
		return 0, err
	}
	p, err := plan.New(gr, g.lim, m.eng.planOptions())
	if err != nil {
		return 0, err
	}
	ref, err := interp.Compile(ctx, gr, m.src.params.typed())
	if err != nil {
		return 0, modelError(m.src.Name, err)
	}
	store := newWeightStore(g.dev, m.src.params)
	defer store.close()
	st, err := newStepper(ctx, g, store, p)
	if err != nil {
		return 0, err
	}
	defer st.close()
	in, _, err := st.input(st.slot, crate.InputName)
	if err != nil {
		return 0, err
	}
	copy(in, pixels)
	image := interp.NewTensor(graph.Dims("B", r.Batch, "Y", r.Height, "X", r.Width, "RGB", 3))
	for i, x := range pixels {
		image.Data[i] = float64(x)
	}
	_, err = ref.Run(ctx, map[string]*interp.Tensor{crate.InputName: image}, func(v *graph.Value, want *interp.Tensor) error {
		n, err := st.compare(v, want)
		agreed += n
		return err
	})
	return agreed, err
}

// stepper runs a program one dispatch at a time.
type stepper struct {
	*program
	slot *slot
	read *vk.Buffer // large enough for any buffer of the plan
	next int
}

func newStepper(ctx context.Context, g *gpu, store *weightStore, p *plan.Plan) (*stepper, error) {
	pr, err := newProgram(ctx, g.dev, g.pipes, store, p, programOptions{slots: 1})
	if err != nil {
		return nil, err
	}
	size := int64(64)
	for _, b := range p.Buffers {
		size = max(size, b.Layout.Bytes())
	}
	read, err := g.dev.NewBuffer(size, vk.Readback)
	if err != nil {
		pr.close()
		return nil, err
	}
	return &stepper{program: pr, slot: <-pr.free, read: read}, nil
}

func (s *stepper) close() {
	s.read.Destroy()
	s.program.close()
}

// compare runs the dispatches that compute v and holds their results against
// the interpreter's.
func (s *stepper) compare(v *graph.Value, want *interp.Tensor) (agreed int, err error) {
	for s.next < len(s.plan.Dispatches) && s.plan.Dispatches[s.next].Value == v.ID {
		d := &s.plan.Dispatches[s.next]
		b := d.Written()
		got, err := s.step(b)
		if err != nil {
			return agreed, err
		}
		c := want.Shape.Last()
		rows := s.plan.Buffers[b].Rows
		// Errors of earlier layers add up here, unlike in a self-test.
		if fact := differ(v, got, want.Data[rows.From*c:rows.To*c], 5*tolerance(s.plan.Precision)); fact != "" {
			return agreed, &KernelError{Kernel: d.Kernel.Name, Value: v.String(), Fact: fact}
		}
		s.next++
		agreed++
	}
	return agreed, nil
}

// step executes the next dispatch and reads buffer b back.
func (s *stepper) step(b int) ([]float32, error) {
	buf := s.plan.Buffers[b]
	size := buf.Layout.Bytes()
	r := vk.Recording{Dispatches: s.dispatches[s.next : s.next+1], First: s.next, Sets: s.sets,
		CopyOut: []vk.Copy{{From: s.spaces[buf.Space], FromAt: buf.Offset, To: s.read, Size: size}}}
	if s.next == 0 {
		r.HostWrites, r.CopyIn = true, s.copies(s.inputs(), s.slot.up, true)
	}
	cmds, err := s.dev.Record(r)
	if err != nil {
		return nil, err
	}
	err = s.dev.Submit([]*vk.Commands{cmds}, s.slot.fence)
	if err == nil {
		err = s.wait(s.slot)
	}
	cmds.Destroy()
	if err != nil {
		return nil, err
	}
	out := make([]float32, buf.Layout.Rows*buf.Layout.Columns)
	return out, buf.Layout.Unpack(out, s.read.Bytes()[:size])
}

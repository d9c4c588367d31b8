package prove

import (
	"context"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Model is what is held against the interpreter.
type Model struct {
	Name    string
	Config  *crate.Config
	Params  run.Params
	Options plan.Options
	Passes  pass.Options
}

// Check runs a request on the given pixels dispatch by dispatch, beside the
// interpreter, and stops at the first value that disagrees: the error is a
// *KernelError that names value and kernel. It returns how many dispatches
// agreed.
func (dev *Device) Check(ctx context.Context, m Model, r readout.Request, pixels []byte) (agreed int, err error) {
	gr, err := readout.Graph(m.Config, r, m.Passes)
	if err != nil {
		return 0, err
	}
	opt := m.Options
	opt.Disabled = dev.Disabled()
	p, err := plan.New(gr, dev.Limits, opt)
	if err != nil {
		return 0, err
	}
	ref, err := interp.Compile(ctx, gr, run.Typed(m.Params))
	if err != nil {
		return 0, err
	}
	store := run.NewWeightStore(dev.Device, m.Params)
	defer store.Close()
	st, err := run.NewStepper(ctx, dev.Device, store, p)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	in, err := st.Input(crate.InputName)
	if err != nil {
		return 0, err
	}
	copy(in, pixels)
	image := interp.NewTensor(graph.Dims("B", r.Batch, "Y", r.Height, "X", r.Width, "RGB", 3))
	for i, x := range pixels {
		image.Data[i] = float64(x)
	}
	_, err = ref.Run(ctx, map[string]*interp.Tensor{crate.InputName: image}, func(v *graph.Value, want *interp.Tensor) error {
		n, err := compare(st, p, v, want)
		agreed += n
		return err
	})
	return agreed, err
}

// compare runs the dispatches that compute v and holds their results against
// the interpreter's.
func compare(st *run.Stepper, p *plan.Plan, v *graph.Value, want *interp.Tensor) (agreed int, err error) {
	for d := st.Next(); d != nil && d.Value == v.ID; d = st.Next() {
		b := d.Written()
		complete := st.Completes()
		got, err := st.Step(b)
		if err != nil {
			return agreed, err
		}
		if !complete {
			agreed++
			continue
		}
		c := want.Shape.Last()
		rows := p.Buffers[b].Rows
		// Errors of earlier layers add up here, unlike in a self-test.
		if fact := differ(v, got, want.Data[rows.From*c:rows.To*c], 5*tolerance(p.Precision)); fact != "" {
			return agreed, &KernelError{Kernel: d.Kernel.Name, Value: v.String(), Fact: fact}
		}
		agreed++
	}
	return agreed, nil
}

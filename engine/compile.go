package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// CompileOptions are the choices of Compile.
type CompileOptions struct {
	// Keep names outputs that stay on the device: runs give them as DeviceTensors.
	Keep []string
}

// Program is a graph that is ready to run: one of an embedder's own, or a
// model's. It may be used from several goroutines.
type Program struct {
	h   *holding
	own bool   // the holding is the program's and not a model's
	key string // among the programs of the holding

	source  *graph.Graph // as it was given
	graph   *graph.Graph // behind the passes
	inputs  []Port
	outputs []Port
	keep    []string
	images  int // for events

	use    gate
	ctx    context.Context // ends, with the reason, when it is closed
	cancel context.CancelCauseFunc
}

// Port is an input or an output of a Program.
type Port struct {
	Name string
	Type graph.Type
	Keep bool // an output that stays on the device
}

// Compile makes a program of a graph of the caller's own, such as
// graph.NewBuilder makes: it runs the graph passes on a copy, chooses kernels,
// tests those that are new on this device, and puts the weights there. params
// reads the graph's parameters by name, row-major; nil where it has none. It is
// called by one goroutine at a time, until the program is closed: the engine
// drops what nobody uses when another program needs the memory, and compiles it
// again when it is run.
//
// What can't be run is a *GraphError: a graph that graph.Check refuses, an
// operation without a kernel, a parameter that is missing, too short or no
// number, an output that no input has a part in.
func (e *Engine) Compile(ctx context.Context, g *graph.Graph, params Params, o CompileOptions) (*Program, error) {
	p := &Program{own: true}
	if err := p.set(ctx, e, g, params, o); err != nil {
		return nil, err
	}
	return p.compiled(ctx)
}

// set makes what can be made without compiling.
func (p *Program) set(ctx context.Context, e *Engine, g *graph.Graph, params Params, o CompileOptions) error {
	if err := e.use.enter(ctx); err != nil {
		return err
	}
	defer e.use.leave()
	err := guarded(func() error {
		if err := p.adopt(g, o, e.passes()); err != nil {
			return err
		}
		return e.planable(p.graph)
	})
	if err != nil {
		name := ""
		if g != nil {
			name = g.Name
		}
		return &GraphError{name, err}
	}
	p.open(e.newHolding(g.Name, checkedParams(params)), "graph "+g.Name)
	return nil
}

// Compile makes a program of the model for a request, whose outputs may stay on the
// device. The request's sides are multiples of Config.Patch, and its batch at least 1;
// Readout.Request makes the one of a read-out. The program's input is crate.InputName,
// 8-bit RGB [B Y X 3] of exactly the request's size, image after image: the Pix of what
// picture.Resize gives. Normalising them is the program's. It shares the model's
// weights, and is closed with the model.
func (m *Model) Compile(ctx context.Context, r Request, o CompileOptions) (*Program, error) {
	g, err := readout.Build(&m.config, r)
	p := &Program{images: r.Batch}
	if err == nil {
		err = p.adopt(g, o, m.passes())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	p.open(m.holding, describe(r))
	return p.compiled(ctx)
}

// passes are the graph passes that the engine runs.
func (e *Engine) passes() pass.Options { return pass.Options{Without: e.opt.Without} }

// adopt checks a graph and takes a copy of it, behind the passes.
func (p *Program) adopt(g *graph.Graph, o CompileOptions, passes pass.Options) error {
	if err := graph.Check(g); err != nil {
		return err
	}
	if err := p.ports(g, o.Keep); err != nil {
		return err
	}
	p.inputs, p.outputs = copied(p.inputs), copied(p.outputs) // the graph is the caller's
	p.source, p.graph, p.keep = g.Clone(), g.Clone(), slices.Clone(o.Keep)
	return pass.Run(p.graph, passes)
}

// maxElems bounds the values of a graph: 8 GB of float32. Buffers of devices are
// smaller; the interpreter would ask for what the host may not have.
const maxElems = 1 << 31

// ports lists inputs and outputs, whose types runs have to know, and checks what
// graph.Check leaves to whoever runs a graph.
func (p *Program) ports(g *graph.Graph, keep []string) error {
	for _, v := range g.Values {
		t := v.Type.DType
		elems := 1
		for _, a := range v.Shape() {
			if a.Size < 1 || elems > maxElems/a.Size {
				return fmt.Errorf("%v is %v, want at most %d elements", v, v.Type, maxElems)
			}
			elems *= a.Size
		}
		if v.Op == graph.OpInput {
			if t == graph.F16 {
				return fmt.Errorf("input %q is %v: want f32, which WithPrecision stores as float16, u8 or u32", v.Str("name"), v.Type)
			}
			p.inputs = append(p.inputs, Port{Name: v.Str("name"), Type: v.Type})
		} else if len(v.Op.Info().Args) == 0 && t != graph.F32 {
			return fmt.Errorf("%v is %v, want f32", v, v.Type)
		}
		for _, a := range v.Args {
			if a != nil && a.Type.DType != graph.F32 && v.Op != graph.OpNormalise && v.Op != graph.OpPixelPatches {
				return fmt.Errorf("%v reads %v, which is %v: only pixels can be read as other numbers than f32", v, a, a.Type)
			}
		}
	}
	if len(g.Outputs) == 0 {
		return errors.New("has no output")
	}
	static := g.Static()
	for _, o := range g.Outputs {
		switch t := o.Value.Type; {
		case static[o.Value]:
			return fmt.Errorf("output %q depends on parameters alone: no input has a part in it", o.Name)
		case t.DType != graph.F32 && t.DType != graph.U32:
			return fmt.Errorf("output %q is %v, want f32 or u32", o.Name, t)
		}
		p.outputs = append(p.outputs, Port{o.Name, o.Value.Type, slices.Contains(keep, o.Name)})
	}
	for _, name := range keep {
		if g.Output(name) == nil {
			return fmt.Errorf("no output %q to keep: there are %s", name, names(p.outputs))
		}
	}
	return nil
}

// planable refuses a graph that can't be planned for the device, or where there
// is none for any device: what the interpreter runs is to run on others, too.
func (e *Engine) planable(g *graph.Graph) error {
	if e.device == nil {
		_, err := plan.Lower(g, plan.BaselineLimits(), plan.Options{Family: plan.Plain})
		return err
	}
	_, err := plan.New(g, e.device.Limits, e.planOptions())
	return err
}

// open makes a program of a holding.
func (p *Program) open(h *holding, work string) {
	h.eng.mu.Lock()
	h.eng.compiled++
	p.h, p.key = h, fmt.Sprintf("%s (program %d)", work, h.eng.compiled)
	h.eng.mu.Unlock()
	p.ctx, p.cancel = context.WithCancelCause(h.ctx)
}

// compiled is the program when it is compiled, on the device opened anew where
// it is lost meanwhile.
func (p *Program) compiled(ctx context.Context) (*Program, error) {
	device, err := p.compile(ctx)
	if device != nil && errors.Is(err, ErrDeviceLost) {
		if err = p.h.rebuild(ctx, device); err == nil {
			_, err = p.compile(ctx)
		}
	}
	if err != nil {
		go p.Close() // the compiling may go on for a while where ctx has ended
		return nil, run.CauseOf(ctx, err)
	}
	return p, nil
}

// compile compiles the program on a device.
func (p *Program) compile(ctx context.Context) (*prove.Device, error) {
	if err := p.h.enter(ctx); err != nil {
		return nil, err
	}
	defer p.h.leave()
	_, done, err := p.acquire(ctx)
	if err == nil {
		done()
	}
	return p.h.eng.device, err
}

// acquire finds the compiled program or compiles it again. The caller is inside
// the holding's gate.
func (p *Program) acquire(ctx context.Context) (c *program, done func(), err error) {
	c, done, err = p.h.acquire(ctx, p.key, func() (*graph.Graph, error) { return p.graph, nil }, p.keep...)
	var refused *ModelError
	if p.own && errors.As(err, &refused) {
		err = &GraphError{p.h.name, refused.Err}
	}
	return c, done, err
}

// Inputs are the program's inputs.
func (p *Program) Inputs() []Port { return copied(p.inputs) }

// Outputs are the program's outputs.
func (p *Program) Outputs() []Port { return copied(p.outputs) }

func copied(list []Port) []Port {
	list = slices.Clone(list)
	for i := range list {
		list[i].Type.Shape = slices.Clone(list[i].Type.Shape)
	}
	return list
}

func names(list []Port) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}

// enter keeps the program and what it is made of from being closed until leave
// is called.
func (p *Program) enter(ctx context.Context) error {
	if err := p.h.enter(ctx); err != nil {
		return err
	}
	if err := p.use.enter(ctx); err != nil {
		p.h.leave()
		return err
	}
	return nil
}

func (p *Program) leave() {
	p.use.leave()
	p.h.leave()
}

// Close ends what the program computes, between two submissions to the device,
// waits for that, and releases its device memory. Calls that were under way, and
// all later ones, give ErrProgramClosed. Tensors that stayed on the device are
// left. It may be called twice.
func (p *Program) Close() error {
	if p == nil {
		return nil
	}
	first := p.use.shut(ErrProgramClosed)
	p.cancel(ErrProgramClosed)
	p.use.empty()
	switch {
	case p.own:
		p.h.close(ErrProgramClosed)
	case first:
		p.h.eng.programs.remove(programKey{p.h, p.key})
	}
	return nil
}

// checkedParams reads the parameters of a graph, and refuses what is no number.
func checkedParams(params Params) Params {
	read := foreign(params)
	return func(name string) (x []float64, err error) {
		if params == nil {
			return nil, fmt.Errorf("has a parameter %q, but no parameters were given", name)
		}
		if x, err = read(name); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", name, err)
		}
		for i, v := range x {
			if v-v != 0 { // NaN for NaN and the infinities
				return nil, fmt.Errorf("parameter %q: element %d is %v, want finite numbers", name, i, v)
			}
		}
		return x, nil
	}
}

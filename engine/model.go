package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Model is a model on an engine. It may be used from several goroutines.
type Model struct {
	*holding
	src    *ModelSource
	config crate.Config // the source's, as it was loaded
}

// Load reads a model's weights and checks them: a value that is no number, or
// with FP16 exceeds 65504, is a *ModelError that names the tensor. They go to the device when a graph that
// needs them is compiled, or with Prepare.
//
// A source may be loaded several times, on several engines, and is closed with the
// last of its models. A Load that fails leaves it open: load it again, or close it.
func (e *Engine) Load(ctx context.Context, src *ModelSource) (*Model, error) {
	if src == nil || src.life == nil {
		return nil, modelError("", errors.New("its source was made by none of OpenModel, OpenModelBytes, NewModelSource and Preset"))
	}
	if err := e.use.enter(ctx); err != nil {
		return nil, err
	}
	defer e.use.leave()
	if err := src.Config.Check(); err != nil {
		return nil, modelError(src.Name, err)
	}
	if err := src.hold(); err != nil {
		return nil, modelError(src.Name, err)
	}
	if err := e.check(ctx, src); err != nil {
		return nil, err
	}
	m := &Model{e.newHolding(src.Name, src.params), src, src.Config}
	src.loaded()
	m.closed = src.release
	return m, nil
}

// check checks the weights of a source that is held, and lets it go where that
// fails. It returns when ctx ends, or the engine is closed: a weight that is being
// read is left behind.
func (e *Engine) check(ctx context.Context, src *ModelSource) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.ctx, func() { cancel(context.Cause(e.ctx)) })()
	_, err := behind(ctx, func() (struct{}, error) {
		err := src.check(ctx)
		if err == nil && e.half() {
			err = src.fitsHalf(ctx)
		}
		if err == nil {
			return struct{}{}, nil
		}
		src.leave()
		if ctx.Err() != nil {
			return struct{}{}, context.Cause(ctx)
		}
		return struct{}{}, modelError(src.Name, err)
	}, func(struct{}) { src.leave() })
	return err
}

// Config is the model's configuration.
func (m *Model) Config() crate.Config { return m.config }

// Source tells where the model came from.
func (m *Model) Source() *ModelSource { return m.src }

// Close ends what the model computes, between two submissions to the device,
// waits for that, and releases its device memory and its source. Calls that were
// under way, and all later ones, give ErrModelClosed. It may be called twice.
func (m *Model) Close() error {
	if m == nil { // deferred before Load's error was looked at
		return nil
	}
	m.close(ErrModelClosed)
	return nil
}

// Request is what is to be computed, of which size, how many images at once.
type Request = readout.Request

// program finds or compiles the program of a request. The caller is inside the
// model's gate until he has called done.
func (m *Model) program(ctx context.Context, r Request) (p *program, done func(), err error) {
	return m.acquire(ctx, describe(r), func() (*graph.Graph, error) {
		return readout.Graph(&m.config, r, m.passes())
	})
}

// describe is a request as text, for messages and as a key.
func describe(r Request) string {
	s := fmt.Sprintf("%v of %d × %d×%d px", r.Outputs, r.Batch, r.Width, r.Height)
	if r.Positions != "" && r.Positions != crate.PositionsExact {
		s += fmt.Sprintf(", positions %s", r.Positions)
	}
	if r.Tau != 0 {
		s += fmt.Sprintf(", τ %v", r.Tau)
	}
	if r.Mask != (crate.Mask{}) {
		s += fmt.Sprintf(", mask %v of seed %d", r.Mask.Ratio, r.Mask.Seed)
	}
	return s
}

// Inside shows engine/measure and engine/expert the model on its device. Until release is called
// the engine and the model are not closed.
func (m *Model) Inside(inside.Key) (v inside.Model, release func(), err error) {
	if err := m.enter(context.Background()); err != nil {
		return inside.Model{}, nil, err
	}
	v = inside.Model{Machine: m.eng.machine(), Name: m.name, Config: &m.config, Params: m.params, Passes: m.passes(), Blame: m.blame,
		Ending: m.ctx, Asked: m.eng.use.asked()}
	if v.Device != nil {
		v.Store = m.weights()
	}
	return v, m.leave, nil
}

// passes are the graph passes that the engine runs.
func (m *Model) passes() pass.Options { return m.eng.passes() }

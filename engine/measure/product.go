package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// ProductSize is that of a matrix product y = x·wᵀ, as a batch of images' tokens has it:
// x is Batch × Tokens × Inner, w is Columns × Inner.
type ProductSize struct{ Batch, Tokens, Inner, Columns int }

// need is the least memory that the matrices take: padding comes on top.
func (s ProductSize) need() run.Need {
	rows, inner, columns := int64(s.Batch)*int64(s.Tokens), int64(s.Inner), int64(s.Columns)
	return run.Need{Weights: 4 * columns * inner, Tensors: 4 * rows * (inner + columns)}
}

// ProductTimes are those of one matrix product.
type ProductTimes struct {
	Kernel string // and its shape
	FLOPs  int64
	Each   []time.Duration // of one product, in the order in which they were timed
	Times  int             // products in each submission, behind one another
}

// Product times a matrix product alone, by the clock, with random matrices that stay on the
// device: submissions of as many products as take a few milliseconds, for about the time that
// is given and at least five. Sizes that make no graph or that the device has no room for are
// an error.
func Product(ctx context.Context, on inside.Opener, size ProductSize, during time.Duration) (*ProductTimes, error) {
	e, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, err
	}
	defer release()
	if err := e.Lacks("is not timed"); err != nil {
		return nil, err
	}
	if err := size.need().Fits(e.Device.Limits.Memory); err != nil {
		return nil, err // before it is planned in a million parts
	}
	b := graph.NewBuilder("product")
	x := b.Input("x", graph.F32Type("B", size.Batch, "N", size.Tokens, "C", size.Inner))
	w := b.Param("w", graph.F32Type("O", size.Columns, "I", size.Inner))
	b.Output("y", b.Do(graph.OpLinear, nil, x, w))
	gr, err := b.Graph()
	if err != nil {
		return nil, err
	}
	p, err := e.Device.Plan(ctx, gr, e.Options)
	if err != nil {
		return nil, err
	}
	d := &p.Dispatches[len(p.Dispatches)-1]
	r, err := run.NewTimed(ctx, e.Device.Device, p, prove.RandomParams(gr), prove.RandomInputs(gr))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	t := &ProductTimes{Kernel: fmt.Sprint(d.Kernel.Name, " ", plan.Shape(d)), FLOPs: p.FLOPs(), Times: r.Times()}
	for start := time.Now(); len(t.Each) < 5 || time.Since(start) < during; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		took, err := r.Wall()
		if err != nil {
			return nil, err
		}
		t.Each = append(t.Each, took)
	}
	return t, nil
}

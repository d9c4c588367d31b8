package prove

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

const (
	loadShape  = "16x1" // the tile that is timed: drivers compile it in half a second
	loadRounds = 15
)

// ChooseLoad settles how the lanes kernels read tensors on this device: as storage
// buffers or as texel buffers. Which is faster, up to twice, differs from driver
// version to driver version, vector width and processor, and both give the same
// bits. So it is measured, once for a device and driver, and kept beside the
// self-tests. Where only one of them computes what it should it is that one. What
// keeps a device from being measured is no error unless it is lost or ctx ends: it
// loads by storage buffers then.
func (dev *Device) ChooseLoad(ctx context.Context) error {
	ways := plan.Loads(dev.Limits)
	if ways == nil || dev.Limits.Load != "" {
		return nil
	}
	err := dev.measureLoads(ctx, ways)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, run.ErrDeviceLost) {
		dev.log.Debug("the ways to load were not compared", "reason", err)
		return nil
	}
	return err
}

func (dev *Device) measureLoads(ctx context.Context, ways []plan.Load) error {
	g, err := loadGraph(dev.Limits.Subgroup)
	if err != nil {
		return err
	}
	inputs, params := RandomInputs(g), RandomParams(g)
	var works []plan.Load
	var timed []*run.Timed
	for _, way := range ways {
		t, err := dev.timeLoad(ctx, g, params, inputs, way)
		if err != nil {
			return err
		}
		if t != nil {
			defer t.Close()
			works, timed = append(works, way), append(timed, t)
		}
	}
	switch len(works) {
	case 0:
		return nil // the kernel is ruled out by its self-test
	case 1:
		dev.SetLoad(works[0])
		return nil
	}
	times, err := inTurn(ctx, timed, loadRounds)
	if err != nil {
		return err
	}
	dev.SetLoad(works[faster(times[0], times[1])])
	return nil
}

// inTurn times dispatches one after the other, round after round: what disturbs the
// machine for a while disturbs all of them.
func inTurn(ctx context.Context, list []*run.Timed, rounds int) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(list))
	for range rounds {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for i, t := range list {
			took, err := t.Time()
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], took)
		}
	}
	return times, nil
}

// faster is 1 where the second is faster in most of the rounds, else 0.
func faster(first, second []time.Duration) int {
	won := 0
	for i, t := range second {
		if t < first[i] {
			won++
		}
	}
	if 2*won > len(first) {
		return 1
	}
	return 0
}

// timeLoad is the product that loads so, ready to be timed; nil where that kernel
// computes something else.
func (dev *Device) timeLoad(ctx context.Context, g *graph.Graph, params run.Params, inputs map[string]*interp.Tensor, way plan.Load) (*run.Timed, error) {
	p, err := plan.New(g, dev.Limits, plan.Options{Family: plan.Lanes, Choices: plan.Choices{"linear_lanes": fmt.Sprintf("%s %s", loadShape, way)}})
	if err != nil {
		return nil, err
	}
	last := &p.Dispatches[len(p.Dispatches)-1]
	bad, err := dev.Test(ctx, p, last)
	if err != nil || bad != nil {
		return nil, err
	}
	return run.NewTimed(ctx, dev.Device, p, params, inputs)
}

// loadGraph is a product like those of a model: tokens that don't fit the innermost
// cache beside the weights.
func loadGraph(lanes int) (*graph.Graph, error) {
	const tokens, channels = 64, 384
	b := graph.NewBuilder("load")
	x := b.Input("x", graph.F32Type("B", 1, "N", tokens, "C", channels))
	w := b.Param("w", graph.F32Type("R", 16*lanes, "K", channels))
	b.Output("y", b.Do(graph.OpLinear, nil, x, w, b.Param("bias", graph.F32Type("R", 16*lanes)), nil, nil))
	return b.Graph()
}

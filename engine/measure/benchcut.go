package measure

import (
	"context"
	"fmt"
	"math"

	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// Affinity times MaskCut's affinity alone, of a batch of features that are
// uploaded each time: as many images of n patches as batch, of the same number
// of channels, one behind another. It returns the affinities, too.
func Affinity(ctx context.Context, on inside.Opener, features []float32, batch, n int, tau float64, o BenchOptions) (*BenchResult, []*maskcut.Affinity, error) {
	e, release, err := on.Inside(inside.Key{})
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if err := e.Lacks("is not timed"); err != nil {
		return nil, nil, err
	}
	if batch < 1 || n < 1 || len(features)%(batch*n) != 0 || len(features) == 0 {
		return nil, nil, fmt.Errorf("engine: %d numbers are no features of %d × %d patches", len(features), batch, n)
	}
	b := graph.NewBuilder("affinity")
	x := b.Input("x", graph.F32Type("B", batch, "N", n, "C", len(features)/(batch*n)))
	b.Output("affinity", b.Do(graph.OpAffinityBits, graph.Attrs{"tau": tau}, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0}, x)))
	g, err := b.Graph()
	if err != nil {
		return nil, nil, err
	}
	p, err := e.Device.Plan(ctx, g, e.Options)
	if err != nil {
		return nil, nil, err
	}
	store := run.NewWeightStore(e.Device.Device, nil)
	defer store.Close()
	pr, err := run.NewProgram(ctx, e.Device.Device, store, p, run.ProgramOptions{Slots: 1})
	if err != nil {
		return nil, nil, err
	}
	defer pr.Close()
	s, err := pr.Acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	in := interp.NewTensor(x.Shape())
	for i, f := range features {
		in.Data[i] = float64(f)
	}
	if err := pr.Fill(s, map[string]*interp.Tensor{"x": in}); err != nil {
		return nil, nil, err
	}
	res := &BenchResult{FLOPs: p.FLOPs(), Arena: p.ArenaBytes()}
	if err := res.measure(ctx, o, func() error { return pr.Once(ctx, s) }, func() error { return nil }); err != nil {
		return nil, nil, err
	}
	bits, _, err := pr.Output(s, "affinity")
	if err != nil {
		return nil, nil, err
	}
	var list []*maskcut.Affinity
	for i := range batch {
		words := make([]uint32, len(bits)/batch)
		for k := range words {
			words[k] = math.Float32bits(bits[i*len(words)+k])
		}
		a, err := maskcut.FromWords(n, words)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, a)
	}
	return res, list, nil
}

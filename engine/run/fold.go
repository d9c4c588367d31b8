package run

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// packing is a weight on its way to the device.
type packing struct {
	key    string
	value  *graph.Value
	layout plan.Layout

	data []byte
	err  error
	done chan struct{} // closed when data or err is there
	free func()        // to be called when data is on the device
}

// packAll evaluates and packs weights on all cores, in their order, a few ahead
// of who takes them: their float64 forms are large. Stop ends it and waits.
func (s *WeightStore) packAll(ctx context.Context, jobs []*packing) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	workers := min(runtime.GOMAXPROCS(0), len(jobs))
	ahead := make(chan struct{}, workers+1)
	next := make(chan *packing)
	var reading sync.Mutex // whoever gives parameters need not expect several readers
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(next)
		for _, j := range jobs {
			j.free = sync.OnceFunc(func() { <-ahead })
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			next <- j
		}
	})
	for range workers {
		wg.Go(func() {
			for j := range next {
				j.data, j.err = s.pack(ctx, j.value, j.layout, &reading)
				close(j.done)
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
		if s.folded != nil && s.folded.wrote.Swap(false) {
			s.folded.prune(foldBytes)
		}
	}
}

// NewCachedStore is a store that keeps what was dear to evaluate in the device's
// cache folder, if it has one.
func NewCachedStore(d *Device, params Params) *WeightStore {
	s := NewWeightStore(d, params)
	if d.kept.dir != "" {
		s.folded = &foldCache{dir: d.kept.dir}
	}
	return s
}

// pack evaluates a static value in float64 and packs it, or takes what an
// earlier run packed from the same parameters.
func (s *WeightStore) pack(ctx context.Context, v *graph.Value, lay plan.Layout, reading *sync.Mutex) ([]byte, error) {
	memo := map[string][]float64{}
	read := func(name string, t graph.Type) ([]float64, error) {
		if x, ok := memo[name]; ok {
			return x, nil
		}
		reading.Lock()
		defer reading.Unlock()
		x, err := Typed(s.params)(name, t)
		if err == nil {
			memo[name] = x
		}
		return x, err
	}
	key := ""
	if s.folded != nil && dear(v) {
		var err error
		if key, err = s.folded.key(v, lay, read); err != nil {
			return nil, err
		}
		if data := s.folded.read(key, lay.Bytes()); data != nil {
			return data, nil
		}
	}
	t, err := interp.Static(ctx, v, read)
	if err != nil {
		return nil, err
	}
	if most, limit := largest(t.Data), largestOf(lay.Elem); most > limit {
		why := ""
		if lay.Elem == graph.F16 {
			why = ": use --precision fp32"
		}
		return nil, weightError(fmt.Errorf("what is made of %s has values up to %.3g, and %v holds none above %.6g%s", strings.Join(parameters(v), ", "), most, lay.Elem, limit, why))
	}
	data, err := lay.Pack(t.Data)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", v, err)
	}
	if key != "" {
		s.folded.write(key, data)
	}
	return data, nil
}

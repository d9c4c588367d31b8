package run

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/graph"
)

// simulated is a device that computes nothing and takes a fixed time for each
// batch, one after another, without using the CPU: what a stream takes beyond
// those times is the host's own. Outputs are fixed positive numbers.
type simulated struct {
	clock *Clock
	slots chan struct{} // batches under way
	out   map[string]*Tensor
	types map[string]graph.Type // of the outputs that are held
}

// Clock is the one device that the programs of an engine share.
type Clock struct {
	delay time.Duration

	mu   sync.Mutex
	free time.Time // when the batches that were started are done
}

// NewClock is a device whose batches take that long.
func NewClock(delay time.Duration) *Clock { return &Clock{delay: delay} }

// SimulatedDevice describes a device whose batches take that long.
func SimulatedDevice(delay time.Duration) DeviceInfo {
	return DeviceInfo{Index: -1, Name: "simulated", Type: "simulated", Driver: delay.String() + " a batch"}
}

// Simulate pretends to run batches of a graph, some of whose outputs are held.
func Simulate(g *graph.Graph, clock *Clock, keep ...string) Computer {
	s := &simulated{clock: clock, slots: make(chan struct{}, Slots), out: map[string]*Tensor{}, types: map[string]graph.Type{}}
	for _, o := range g.Outputs {
		if slices.Contains(keep, o.Name) {
			s.types[o.Name] = o.Value.Type
			continue
		}
		t := &Tensor{o.Value.Shape(), make([]float32, o.Value.Shape().Elems())}
		for i := range t.Data {
			t.Data[i] = float32(1 + math.Sin(float64(i)/7))
		}
		s.out[o.Name] = t
	}
	return s
}

func (s *simulated) Start(ctx context.Context, _ Inputs) (func() (Result, error), error) {
	start := time.Now()
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	done := s.clock.next()
	return func() (Result, error) {
		defer func() { <-s.slots }()
		select {
		case <-time.After(time.Until(done)):
		case <-ctx.Done():
			return Result{}, context.Cause(ctx)
		}
		held := map[string]*Held{}
		for name, t := range s.types {
			held[name] = &Held{Type: t, data: make([]float64, t.Shape.Elems())}
		}
		return Result{Outputs: s.out, Held: held, Waited: time.Since(start) - s.clock.delay, Took: s.clock.delay}, nil
	}, nil
}

func (s *simulated) Close() {}

// next is when a batch that starts now is done.
func (c *Clock) next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.free.Before(now) {
		c.free = now
	}
	c.free = c.free.Add(c.delay)
	return c.free
}

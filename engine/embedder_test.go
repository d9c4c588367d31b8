package engine

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// TestLoadReturns: loading a model returns when its context ends or the engine is
// closed, whatever its weights wait for, and the source may be loaded again.
func TestLoadReturns(t *testing.T) {
	noGoroutines(t)
	e := onReference(t)
	base := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	never := make(chan struct{})
	src := NewModelSource("stuck", base.Config, "", func(name string) ([]float64, error) {
		<-never
		return base.params(name)
	})
	for range 2 { // the second waits for the first's weights
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := e.Load(ctx, src); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gives %v", err)
		}
	}
	result := make(chan error)
	go func() {
		_, err := e.Load(context.Background(), src)
		result <- err
	}()
	time.Sleep(20 * time.Millisecond)
	e.Close()
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("on a closed engine it gives %v", err)
	}
	close(never)
	m, err := onReference(t).Load(t.Context(), src)
	if err != nil {
		t.Fatalf("loaded again: %v", err)
	}
	m.Close()
	if _, err := onReference(t).Load(t.Context(), src); !errors.Is(err, errSourceClosed) {
		t.Errorf("behind its last model it gives %v", err)
	}
	closing := onReference(t)
	if _, err := closing.Load(t.Context(), NewModelSource("closes", base.Config, "", func(name string) ([]float64, error) {
		closing.Close()
		return base.params(name)
	})); !errors.Is(err, ErrClosed) {
		t.Errorf("weights that close the engine give %v", err)
	}
}

// TestNothing: what was not made can be closed, and is refused.
func TestNothing(t *testing.T) {
	for what, f := range map[string]func() error{
		"engine": (*Engine)(nil).Close, "model": (*Model)(nil).Close, "source": (*ModelSource)(nil).Close, "empty source": new(ModelSource).Close,
		"batcher": (*Batcher[int])(nil).Close, "program": (*Program)(nil).Close, "tensor": (*DeviceTensor)(nil).Close, "outputs": (*Outputs)(nil).Close,
	} {
		if err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	e := onReference(t)
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	m := load(t, e, src)
	for _, bad := range []*ModelSource{nil, {}, {Config: src.Config}} {
		if _, err := e.Load(t.Context(), bad); !errors.As(err, new(*ModelError)) {
			t.Errorf("loading %v gives %v", bad, err)
		}
	}
	if err := m.Prepare(t.Context(), PrepareOptions{}, nil); err == nil {
		t.Error("nil is prepared for")
	}
	if _, err := NewBatcher(m, Embed(EmbedOptions{}), BatcherOptions{Size: 1 << 50}); err == nil {
		t.Error("a batcher of 2⁵⁰ images")
	}
}

// TestHookLeaves: a function of WithEvents that ends its goroutine, as
// testing.T.FailNow does, harms nobody.
func TestHookLeaves(t *testing.T) {
	for _, kind := range []EventKind{Compiled, Queued, Computed} {
		m := load(t, onReference(t, WithEvents(func(ev Event) {
			if ev.Kind == kind {
				runtime.Goexit()
			}
		})), oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := m.Segment(ctx, testPicture(0, 32, 32)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestParamsOneAtATime: weights are read by one goroutine at a time, whatever
// asks for them.
func TestParamsOneAtATime(t *testing.T) {
	base := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	var inside, together atomic.Int32
	src := NewModelSource("one", base.Config, "", func(name string) ([]float64, error) {
		if inside.Add(1) > 1 {
			together.Add(1)
		}
		defer inside.Add(-1)
		time.Sleep(time.Millisecond)
		return base.params(name)
	})
	done := make(chan error)
	for range 2 {
		m, err := onReference(t).Load(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		for _, names := range []string{"logits", "tokens.0"} {
			go func() {
				_, err := m.runRequest(t.Context(), Request{Outputs: []string{names}, Height: 32, Width: 32, Batch: 1}, devicetest.Pixels(32, 32, 1))
				done <- err
			}()
		}
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := together.Load(); n > 0 {
		t.Errorf("%d calls met another one", n)
	}
}

// TestCopies: a graph that is changed behind Compile, and shapes that are changed
// behind Run and Read, change nothing.
func TestCopies(t *testing.T) {
	try := func(t *testing.T, e *Engine) {
		g := built(t, "g", func(b *graph.Builder) {
			b.Output("y", b.Do(graph.OpScale, at{"by": 2.0}, b.Input("x", f32("a", 3, "b", 4))))
			b.Output("z", b.Do(graph.OpScale, at{"by": 3.0}, g2(b)))
		})
		p, err := e.Compile(t.Context(), g, nil, CompileOptions{Keep: []string{"z"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range g.Values {
			for i := range v.Type.Shape {
				v.Type.Shape[i].Size = 99
			}
		}
		in := Inputs{"x": make([]float32, 12), "w": make([]float32, 6)}
		for range 2 {
			out := p.run(t, in)
			z, err := out.Device["z"].Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			y := out.Tensors["y"]
			if !slices.Equal(y.Shape.Sizes(), []int{3, 4}) || !slices.Equal(z.Shape.Sizes(), []int{2, 3}) || !slices.Equal(out.Device["z"].Type().Shape.Sizes(), []int{2, 3}) {
				t.Errorf("shapes %v, %v, %v", y.Shape, z.Shape, out.Device["z"].Type())
			}
			y.Shape[0].Size, z.Shape[0].Size = 77, 77
			if again, err := out.Device["z"].Read(t.Context()); err != nil || again.Shape[0].Size != 2 {
				t.Errorf("read again: %v, %v", again, err)
			}
			out.Close()
		}
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { try(t, onDevice(t, info)) })
	t.Run("reference", func(t *testing.T) { try(t, onReference(t)) })
}

func g2(b *graph.Builder) *graph.Value { return b.Input("w", f32("a", 2, "b", 3)) }

// TestForgottenBatcher: a batcher that nobody closes ends with its engine.
func TestForgottenBatcher(t *testing.T) {
	noGoroutines(t)
	e := onReference(t)
	b, err := NewBatcher(load(t, e, oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})), Embed(EmbedOptions{}), BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); err != nil {
		t.Fatal(err)
	}
	e.Close()
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); !errors.Is(err, ErrClosed) {
		t.Errorf("it gives %v", err)
	}
}

// eachSide streams square images that keep their sizes, and calls check with each
// one's side and error.
func eachSide(t *testing.T, m *Model, o InputOptions, sides []int, check func(side any, err error)) {
	t.Helper()
	var inputs []Input
	for _, side := range sides {
		inputs = append(inputs, Input{Image: testPicture(0, side, side), Data: side})
	}
	o.Size.Native = true
	n := 0
	for item, err := range Embed(EmbedOptions{InputOptions: o}).Stream(t.Context(), m, slices.Values(inputs)) {
		if err != nil {
			t.Fatal(err)
		}
		check(item.Input.Data, item.Err)
		n++
	}
	if n != len(inputs) {
		t.Errorf("%d items", n)
	}
}

// TestOneTooLarge: where images keep their sizes, one that the device has no room
// for fails alone.
func TestOneTooLarge(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info, WithMemory(8<<20)), src)
		eachSide(t, m, InputOptions{}, []int{32, 600, 32, 32, 600}, func(side any, err error) {
			if large := side == 600; errors.Is(err, ErrOutOfMemory) != large || !large && err != nil {
				t.Errorf("%v px: %v", side, err)
			}
		})
	})
}

// TestPastTheLimits: a batch that no device can run is halved, and an image that
// is too large by itself fails alone where images keep their sizes.
func TestPastTheLimits(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e := onDevice(t, info)
		m := load(t, e, src)
		e.device.Limits.MaxAllocation = 2 << 20 // the patches of 4 × 256² px take 3 MB
		eachSide(t, m, InputOptions{Batch: 4}, []int{256, 256, 256, 256, 640, 256}, func(side any, err error) {
			if large := side == 640; (err != nil) != large {
				t.Errorf("%v px: %v", side, err)
			}
		})
	})
}

// TestPreparedAnew: what a device that was lost did not compile is compiled on
// the device opened anew.
func TestPreparedAnew(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		faults := vk.NewFaults()
		defer faults.Free()
		for _, call := range []int{0, 3, 9} {
			e := onDevice(t, info, withFaults(faults))
			m := load(t, e, src)
			faults.Set(call, vk.DeviceLost)
			err := m.Prepare(t.Context(), PrepareOptions{Batches: []int{1}}, Embed(EmbedOptions{}))
			fired := faults.Fired()
			faults.Set(-1, vk.Success)
			if err != nil || !fired {
				t.Errorf("call %d: %v", call, err)
			}
			e.Close()
		}
	})
}

// TestKeptPrograms: no more programs are kept than WithPrograms says, however many
// were in use at once.
func TestKeptPrograms(t *testing.T) {
	e := onReference(t, WithPrograms(1))
	m := load(t, e, oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	if err := m.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.leave()
	var all []func()
	for _, side := range []int{32, 40, 48} {
		_, done, err := m.program(t.Context(), Request{Outputs: []string{"logits"}, Height: side, Width: side, Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, done)
	}
	for _, done := range all {
		done()
	}
	if n := len(e.programs.list); n != 1 {
		t.Errorf("%d programs are kept", n)
	}
}

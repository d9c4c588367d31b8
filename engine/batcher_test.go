package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestBatcher: calls of many goroutines share batches, and each gets its own
// result, or its own error.
func TestBatcher(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	read := Classify(ClassifyOptions{Top: 5})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		var batches, images, compiled atomic.Int32
		m := load(t, onDevice(t, info, WithEvents(func(e Event) {
			switch e.Kind {
			case Computed:
				batches.Add(1)
				images.Add(int32(e.Images))
			case Compiled:
				compiled.Add(1)
			}
		})), src)
		var want [][]Class
		for k := range 6 {
			classes, err := read.One(t.Context(), m, testPicture(k, 40, 40))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, classes)
		}
		noGoroutines(t)
		b, err := NewBatcher(m, read, BatcherOptions{Size: 8, Wait: 20 * time.Millisecond, Queue: 64})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		batches.Store(0)
		images.Store(0)
		compiled.Store(0)
		var wg sync.WaitGroup
		for k := range 16 {
			wg.Go(func() {
				for i := range 12 {
					n := (k + i) % 6
					got, err := b.Do(t.Context(), testPicture(n, 40, 40))
					if err != nil || !reflect.DeepEqual(got, want[n]) {
						t.Errorf("picture %d: %v, or another result", n, err)
					}
					if i%4 == 1 {
						var none *image.RGBA
						if _, err := b.Do(t.Context(), none); !errors.As(err, new(*PanicError)) {
							t.Errorf("a nil image gives %v", err)
						}
						ctx, cancel := context.WithCancel(t.Context())
						cancel()
						if _, err := b.Do(ctx, testPicture(0, 40, 40)); !errors.Is(err, context.Canceled) {
							t.Errorf("a cancelled call gives %v", err)
						}
					}
				}
			})
		}
		wg.Wait()
		if n := images.Load(); n < 16*12 || batches.Load() > n/2 {
			t.Errorf("%d images in %d batches", n, batches.Load())
		}
		if n := compiled.Load(); n > 3 { // batches of 2, 4 and 8; 1 is there
			t.Errorf("%d programs were compiled", n)
		}
	})
}

// TestBatcherIsBusy: a full queue is an error at once, a call returns when its
// context ends, and the model's end is that of all calls.
func TestBatcherIsBusy(t *testing.T) {
	noGoroutines(t)
	m := load(t, simulated(t, forever), oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	b, err := NewBatcher(m, Classify(ClassifyOptions{Top: 1}), BatcherOptions{Queue: 3})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	do := func(ctx context.Context) {
		_, err := b.Do(ctx, testPicture(0, 32, 32))
		results <- err
	}
	short, cancel := context.WithCancel(t.Context())
	go do(short)
	go do(context.Background())
	go do(context.Background())
	for len(b.room) < 3 {
		time.Sleep(time.Millisecond)
	}
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); !errors.Is(err, ErrBusy) {
		t.Errorf("a fourth call gives %v", err)
	}
	cancel()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one gives %v", err)
	}
	m.Close()
	for range 2 {
		if err := <-results; !errors.Is(err, ErrModelClosed) {
			t.Errorf("a call of a model that was closed gives %v", err)
		}
	}
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); !errors.Is(err, ErrModelClosed) {
		t.Errorf("a later one gives %v", err)
	}
	b.Close()
	b.Close()
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); !errors.Is(err, ErrClosed) || err.Error() != "the batcher is closed" {
		t.Errorf("a closed batcher gives %v", err)
	}
}

// TestBatcherGoesOn: a stream that fails fails its calls, and no later one.
func TestBatcherGoesOn(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	bad := atomic.Bool{}
	held := NewModelSource("held", src.Config, "", func(name string) ([]float64, error) {
		if bad.Load() {
			return nil, errors.New("no disk")
		}
		return src.params(name)
	})
	m := load(t, interpreter(t), held)
	b, err := NewBatcher(m, Classify(ClassifyOptions{Top: 1}), BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	bad.Store(true)
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); !errors.As(err, new(*ModelError)) {
		t.Errorf("without weights: %v", err)
	}
	bad.Store(false)
	if _, err := b.Do(t.Context(), testPicture(0, 32, 32)); err != nil {
		t.Errorf("when they are back: %v", err)
	}
}

func interpreter(t *testing.T, opts ...Option) *Engine {
	t.Helper()
	e, err := Open(t.Context(), append(opts, WithDevice(Interpreter))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestBatcherRefuses(t *testing.T) {
	m := load(t, simulated(t, 1), oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	for _, o := range []BatcherOptions{{Size: -1}, {Wait: -1}, {Queue: -1}, {Size: 1 << 40}} {
		if _, err := NewBatcher(m, Classify(ClassifyOptions{Top: 1}), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if _, err := NewBatcher(m, Classify(ClassifyOptions{Top: -1}), BatcherOptions{}); err == nil {
		t.Error("a read-out with bad options is taken")
	}
	if _, err := NewBatcher(m, Parts(PartsOptions{}), BatcherOptions{}); err == nil {
		t.Error("Parts is taken")
	}
}

// TestPrepare: what was prepared is not compiled again, and progress is told.
func TestPrepare(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		var compiled atomic.Int32
		m := load(t, onDevice(t, info, WithEvents(func(e Event) {
			if e.Kind == Compiled {
				compiled.Add(1)
			}
		})), src)
		classes, masks := Classify(ClassifyOptions{Top: 1}), MaskCut(MaskCutOptions{})
		last := ""
		o := PrepareOptions{Batches: []int{1, 3}, Progress: func(done, total int, what string) {
			if last = fmt.Sprint(done, "/", total); (done == total) != (what == "") {
				t.Errorf("step %s is %q", last, what)
			}
		}}
		if err := m.Prepare(t.Context(), o, classes, masks); err != nil {
			t.Fatal(err)
		}
		if last != "4/4" || compiled.Load() != 4 {
			t.Errorf("progress ends at %s, %d programs", last, compiled.Load())
		}
		if _, err := classes.Batch(t.Context(), m, []image.Image{testPicture(0, 9, 9), testPicture(1, 9, 9), testPicture(2, 9, 9)}); err != nil {
			t.Error(err)
		}
		if _, err := masks.One(t.Context(), m, testPicture(0, 9, 9)); err != nil {
			t.Error(err)
		}
		if compiled.Load() != 4 {
			t.Error("something was compiled again")
		}
		if err := m.Prepare(t.Context(), PrepareOptions{}, Classify(ClassifyOptions{Top: 1, InputOptions: InputOptions{Size: Size{Native: true}}})); err == nil {
			t.Error("images of their own size are prepared for")
		}
		if err := m.Prepare(t.Context(), PrepareOptions{Progress: func(int, int, string) { panic("no") }}, classes); !errors.As(err, new(*PanicError)) {
			t.Errorf("progress that panics gives %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Prepare(ctx, PrepareOptions{Batches: []int{7}}, classes); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

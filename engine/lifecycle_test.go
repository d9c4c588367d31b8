package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// forever is longer than any test: who waits for it fails by the test's timeout.
const forever = 24 * time.Hour

// TestDeadlines: a call returns when its context ends, whatever it waits for: a
// device that is busy for hours, an image that does not come, inputs that do not
// come, a program that is being compiled.
func TestDeadlines(t *testing.T) {
	noGoroutines(t)
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	quick := load(t, simulated(t, time.Millisecond), src)
	busy := load(t, simulated(t, forever), src)
	never := make(chan struct{}) // closed at the end, so that nothing is left behind
	defer close(never)
	stuck := NewModelSource("stuck", src.Config, "", nil)
	var compiling atomic.Bool
	stuck.params = func(name string) ([]float64, error) {
		if compiling.Load() {
			<-never
		}
		return src.params(name)
	}
	reference, err := Open(t.Context(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	slow := load(t, reference, stuck)
	compiling.Store(true)
	read := Classify(ClassifyOptions{Top: 1})
	blocked := func(yield func(Input) bool) { <-never }
	stream := func(ctx context.Context, m *Model, in Input) error {
		var last error
		for _, err := range read.Stream(ctx, m, slices.Values([]Input{in})) {
			last = err
		}
		return last
	}
	img := testPicture(0, 32, 32)
	for what, call := range map[string]func(ctx context.Context) error{
		"a busy device": func(ctx context.Context) error { _, err := read.One(ctx, busy, img); return err },
		"a batch behind it": func(ctx context.Context) error {
			_, err := read.Batch(ctx, busy, slices.Repeat([]image.Image{img}, 40))
			return err
		},
		"an image": func(ctx context.Context) error {
			return stream(ctx, quick, Input{Load: func(context.Context) (*picture.RGB, error) { <-never; return nil, errors.New("late") }})
		},
		"inputs": func(ctx context.Context) error {
			var last error
			for _, err := range read.Stream(ctx, quick, blocked) {
				last = err
			}
			return last
		},
		"a program": func(ctx context.Context) error { _, err := read.One(ctx, slow, img); return err },
	} {
		var wg sync.WaitGroup
		for range 4 { // while others wait for the same
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", what, err)
				}
				mine := errors.New("mine")
				cancelled, stop := context.WithCancelCause(t.Context())
				time.AfterFunc(10*time.Millisecond, func() { stop(mine) })
				if err := call(cancelled); !errors.Is(err, mine) {
					t.Errorf("%s: cancelled for a reason, gives %v", what, err)
				}
			})
		}
		wg.Wait()
	}
}

// TestBreak: a stream that is left takes nothing more from the channel that its
// inputs come through; the next stream gets the next input.
func TestBreak(t *testing.T) {
	noGoroutines(t)
	m := load(t, simulated(t, time.Millisecond), oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	inputs := make(chan Input)
	offer := func(n int) { inputs <- Input{Image: testPicture(n, 32, 32), Data: n} }
	read := Classify(ClassifyOptions{Top: 1, InputOptions: InputOptions{Batch: 1}})
	for round := range 20 {
		go offer(round)
		for item, err := range read.Stream(t.Context(), m, Receive(inputs)) {
			if err != nil || item.Err != nil || item.Input.Data != round {
				t.Fatalf("round %d: input %v, %v, %v", round, item.Input.Data, err, item.Err)
			}
			break // while the stream waits for the next input
		}
	}
	go func() {
		offer(20)
		offer(21)
		close(inputs)
	}()
	n := 20
	for item, err := range read.Stream(t.Context(), m, Receive(inputs)) {
		if err != nil || item.Input.Data != n {
			t.Errorf("input %v, want %d, %v", item.Input.Data, n, err)
		}
		n++
	}
	if n != 22 {
		t.Errorf("%d inputs came", n)
	}
}

// TestCloseModel: closing a model ends its own calls, and waits for no one else's.
func TestCloseModel(t *testing.T) {
	noGoroutines(t)
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	e := simulated(t, forever)
	one, other := load(t, e, src), load(t, e, src)
	img := testPicture(0, 32, 32)
	started := make(chan bool)
	e.opt.events = func(ev Event) {
		if ev.Kind == Compiled {
			started <- true
		}
	}
	results := map[*Model]chan error{one: make(chan error), other: make(chan error)}
	for m, result := range results {
		go func() {
			_, err := m.Segment(context.Background(), img)
			result <- err
		}()
		<-started
	}
	one.Close()
	one.Close()
	if err := <-results[one]; !errors.Is(err, ErrModelClosed) {
		t.Errorf("a call under way gives %v", err)
	}
	if _, err := one.Segment(t.Context(), img); !errors.Is(err, ErrModelClosed) {
		t.Errorf("a later call gives %v", err)
	}
	select {
	case err := <-results[other]:
		t.Errorf("the other model's call ended: %v", err)
	default:
	}
	e.Close()
	if err := <-results[other]; !errors.Is(err, ErrClosed) {
		t.Errorf("a call under way on a closed engine gives %v", err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseInside: an engine and a model can be closed in a loop over what they
// give.
func TestCloseInside(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for _, want := range []error{ErrClosed, ErrModelClosed} {
			for name, each := range map[string]func(m *Model, body func(error) bool){
				"Stream": func(m *Model, body func(error) bool) {
					for _, err := range Classify(ClassifyOptions{Top: 1, InputOptions: InputOptions{Batch: 1}}).Stream(t.Context(), m, streamInputs(100)) {
						if !body(err) {
							return
						}
					}
				},
			} {
				e := onDevice(t, info)
				m := load(t, e, src)
				n, last := 0, error(nil)
				each(m, func(err error) bool {
					if n, last = n+1, err; n == 1 && want == ErrClosed {
						e.Close()
					} else if n == 1 {
						m.Close()
					}
					return true
				})
				if !errors.Is(last, want) || n > 60 {
					t.Errorf("%s: closed after the first of %d rows: %v, want %v", name, n, last, want)
				}
			}
		}
	})
}

// TestSources: one source serves several models and engines, and its file is open
// until the last of them is closed.
func TestSources(t *testing.T) {
	src, err := OpenModel("../testdata/model/"+firstGolden(t), ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closes := 0
	shut := src.life.close
	src.life.close = func() error { closes++; return shut() }
	a, err := Open(t.Context(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Open(t.Context(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var models []*Model
	for _, e := range []*Engine{a, a, b} {
		m, err := e.Load(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	if err := src.Close(); err != nil { // as a caller may who defers it
		t.Fatal(err)
	}
	models[0].Close()
	models[0].Close()
	for _, m := range models[1:] {
		if _, err := m.Features(t.Context(), testPicture(0, 32, 32)); err != nil {
			t.Errorf("after another model was closed: %v", err)
		}
	}
	if closes != 0 {
		t.Error("the file was closed with the first model")
	}
	a.Close()
	models[2].Close()
	if closes != 1 {
		t.Errorf("the file was closed %d times", closes)
	}
	if _, err := b.Load(t.Context(), src); !errors.Is(err, errSourceClosed) {
		t.Errorf("a closed source gives %v", err)
	}
}

// TestLoadChecksWeights: a value that is no number is refused when the model is
// loaded, by its name, in a file and from anywhere.
func TestLoadChecksWeights(t *testing.T) {
	e, err := Open(t.Context(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	refused := func(what string, err error) {
		t.Helper()
		if !errors.As(err, new(*ModelError)) || !containsAll(err.Error(), what, "want finite numbers") {
			t.Errorf("%s: %v", what, err)
		}
	}
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		last := src.Config.Tensors()[len(src.Config.Tensors())-1].Name
		_, err := e.Load(t.Context(), NewModelSource("bad", src.Config, "", func(name string) ([]float64, error) {
			x, err := src.params(name)
			if x = slices.Clone(x); name == last {
				x[len(x)-1] = bad
			}
			return x, err
		}))
		refused(last, err)
	}
	dir := filepath.Join("../testdata/model", firstGolden(t))
	data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)-4:], []byte{0, 0, 0xc0, 0x7f}) // a NaN as the last value
	bad, err := OpenModelBytes("bad", data, ModelOptions{ConfigPath: filepath.Join(dir, "config.json")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Load(t.Context(), bad)
	refused("tensor", err)
}

// TestRebuild: a lost device is opened again by its UUID, not by what selected it.
// Where that fails everything is closed, and says so.
func TestRebuild(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	img := testPicture(0, 32, 32)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e := onDevice(t, info)
		m := load(t, e, src)
		if _, err := m.Segment(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		e.opt.device = "another one"
		e.device.VK.GiveUp()
		if _, err := m.Segment(t.Context(), img); err != nil || e.device.Info.UUID != info.UUID {
			t.Errorf("device %s, %v", e.device.Info.UUID, err)
		}
		closed := 0
		m.src.life.close = func() error { closed++; return nil }
		e.info.UUID = "gone"
		e.device.VK.GiveUp()
		for range 2 {
			if _, err := m.Segment(t.Context(), img); !errors.Is(err, ErrDeviceLost) {
				t.Errorf("a device that can't be opened again gives %v", err)
			}
		}
		if err := e.Close(); err != nil || closed != 1 {
			t.Errorf("closing: %v; the source was closed %d times", err, closed)
		}
	})
}

// TestEventsTell: compiling, waiting and computing are told, and a function that
// panics does no harm.
func TestEventsTell(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		var mu sync.Mutex
		seen := map[EventKind]int{}
		m := load(t, onDevice(t, info, WithEvents(func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			seen[e.Kind]++
			if e.Model != src.Name || e.Work == "" || e.Duration < 0 || e.Err != nil || (e.Kind == Compiled) != (e.Images == 0) || e.Kind == Computed && e.Duration == 0 {
				t.Errorf("%+v", e)
			}
			panic("no thanks")
		})), src)
		for range 3 {
			if _, err := m.Segment(t.Context(), testPicture(0, 32, 32)); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(seen) != "map[compiled:1 computed:3 queued:3]" {
			t.Errorf("told: %v", seen)
		}
	})
}

// TestEventsLeave: a function of WithEvents that ends its goroutine, as
// testing.T.FailNow does, holds up no call.
func TestEventsLeave(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, opts := range [][]Option{{WithDevice(Interpreter)}, {withSimulatedDevice(time.Millisecond)}} {
		e, err := Open(ctx, append(opts, WithEvents(func(Event) { runtime.Goexit() }))...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, e, src).Segment(ctx, testPicture(0, 32, 32)); err != nil {
			t.Fatal(err) // what hangs can't be closed
		}
		e.Close()
	}
}

// firstGolden is the name of a model in testdata.
func firstGolden(t *testing.T) string {
	t.Helper()
	dirs, err := filepath.Glob("../testdata/model/*/model.safetensors")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no golden models", err)
	}
	return filepath.Base(filepath.Dir(dirs[0]))
}

func containsAll(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}

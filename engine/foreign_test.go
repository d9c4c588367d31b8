package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// brittle is an image that panics when it is looked at.
type brittle struct{ image.Image }

func (brittle) At(x, y int) color.Color { panic(fmt.Errorf("no pixel at %d, %d", x, y)) }

// simulated opens an engine whose device takes that long for a batch.
func simulated(t *testing.T, delay time.Duration, opts ...Option) *Engine {
	t.Helper()
	e, err := Open(t.Context(), append(opts, withSimulatedDevice(delay))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// noGoroutines fails a test that leaves goroutines behind.
func noGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 300 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
	})
}

// TestBadInputs: whatever is wrong with an input is that input's error; the batch
// goes on, and the process lives.
func TestBadInputs(t *testing.T) {
	var none *image.RGBA
	loads := func(img *picture.RGB, err error) Input {
		return Input{Load: func(context.Context) (*picture.RGB, error) { return img, err }}
	}
	bad := map[string]Input{
		"nothing":            {},
		"nil pointer":        {Image: none},
		"no bounds":          {Image: image.NewUniform(color.White)},
		"too few bytes":      {Image: &image.RGBA{Rect: image.Rect(0, 0, 32, 32), Stride: 128, Pix: make([]byte, 99)}},
		"wrong stride":       {Image: &image.RGBA{Rect: image.Rect(0, 0, 32, 32), Stride: -4, Pix: make([]byte, 4096)}},
		"empty":              {Image: image.NewGray(image.Rect(5, 5, 5, 9))},
		"panics":             {Image: brittle{image.NewGray(image.Rect(0, 0, 8, 8))}},
		"too many pixels":    {Image: image.NewGray(image.Rect(0, 0, 300, 400))},
		"loads nothing":      loads(nil, nil),
		"loads an empty one": loads(&picture.RGB{}, nil),
		"loads too few":      loads(&picture.RGB{Width: 32, Height: 32, Pix: make([]byte, 5)}, nil),
		"loads a negative":   loads(&picture.RGB{Width: -32, Height: -32, Pix: make([]byte, 3072)}, nil),
		"load fails":         loads(nil, errors.New("on fire")),
		"load panics":        {Load: func(context.Context) (*picture.RGB, error) { panic("on fire") }},
		"load leaves": {Load: func(context.Context) (*picture.RGB, error) {
			runtime.Goexit()
			return nil, nil
		}},
	}
	panicking := []string{"nil pointer", "too few bytes", "panics", "load panics"}
	try := func(t *testing.T, e *Engine, src *ModelSource) {
		noGoroutines(t)
		m := load(t, e, src)
		var inputs []Input
		for name, in := range bad {
			in.Name, in.Data = name, len(inputs)
			inputs = append(inputs, in, Input{Image: testPicture(1, 40, 40)})
		}
		n := 0
		for item, err := range Attention(AttentionOptions{InputOptions: InputOptions{Batch: 4}}).Stream(t.Context(), m, slices.Values(inputs)) {
			if err != nil {
				t.Fatal(err)
			}
			name := item.Input.Name
			switch caught := (*PanicError)(nil); {
			case name == "":
				if item.Err != nil || len(item.Value.Objects) != 1 {
					t.Errorf("a good image gives %v", item.Err)
				}
			case item.Err == nil:
				t.Errorf("%s: no error", name)
			case item.Input.Data != n:
				t.Errorf("%s: carries %v, want %d", name, item.Input.Data, n)
			case !slices.Contains(panicking, name) && !strings.HasPrefix(name, "load ") && name != "wrong stride" && !errors.Is(item.Err, ErrImage):
				t.Errorf("%s: %v, want ErrImage", name, item.Err)
			case errors.As(item.Err, &caught) != slices.Contains(panicking, name) && name != "wrong stride":
				t.Errorf("%s: %v", name, item.Err)
			case caught != nil && len(caught.Stack) == 0:
				t.Errorf("%s: no stack", name)
			}
			n++
		}
		if n != len(inputs) {
			t.Errorf("%d of %d items", n, len(inputs))
		}
		for _, img := range []image.Image{nil, none, image.NewUniform(color.White)} {
			if _, err := m.Segment(t.Context(), img); err == nil {
				t.Errorf("%T has a mask", img)
			}
		}
	}
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	limit := WithPixelLimit(100_000)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { try(t, onDevice(t, info, limit), src) })
	t.Run("simulated", func(t *testing.T) { try(t, simulated(t, time.Millisecond, limit), src) })
	// The one goroutine that loads is replaced when an image's code ends it.
	t.Run("one thread", func(t *testing.T) { try(t, simulated(t, time.Millisecond, limit, WithThreads(1)), src) })
}

// TestBadIterators: an iterator that panics, or ends its goroutine, ends the
// stream with that, behind what came before; a loop over the stream that does so
// leaves nothing behind.
func TestBadIterators(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	e := simulated(t, time.Millisecond)
	m := load(t, e, src)
	noGoroutines(t)
	after := func(n int, then func()) iter.Seq[Input] {
		return func(yield func(Input) bool) {
			for range n {
				if !yield(Input{Image: testPicture(0, 32, 32)}) {
					return
				}
			}
			then()
		}
	}
	stream := func(inputs iter.Seq[Input]) iter.Seq2[Item[[]Class], error] {
		return Classify(ClassifyOptions{Top: 1, InputOptions: InputOptions{Batch: 2}}).Stream(t.Context(), m, inputs)
	}
	count := func(inputs iter.Seq[Input]) (n int, err error) {
		for _, err = range stream(inputs) {
			if err == nil {
				n++
			}
		}
		return n, err
	}
	n, err := count(after(3, func() { panic("no more") }))
	if caught := (*PanicError)(nil); n != 3 || !errors.As(err, &caught) || caught.Value != "no more" {
		t.Errorf("a panicking iterator: %d items, %v", n, err)
	}
	if n, err := count(after(3, runtime.Goexit)); n != 3 || !errors.Is(err, errGone) {
		t.Errorf("an iterator that leaves: %d items, %v", n, err)
	}
	func() {
		defer func() {
			if v := recover(); v != "enough" {
				t.Errorf("the loop's panic came out as %v", v)
			}
		}()
		for range stream(after(100, func() {})) {
			panic("enough")
		}
	}()
	left := make(chan bool)
	go func() {
		defer close(left)
		for range stream(after(100, func() {})) {
			runtime.Goexit()
		}
	}()
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Fatal("a loop that ended its goroutine hangs")
	}
}

// TestBadParams: parameters that panic, leave, or are no numbers refuse the model.
func TestBadParams(t *testing.T) {
	c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	good := c.RandomParams(5)
	broken := false
	try := func(t *testing.T, e *Engine) {
		for what, bad := range map[string]Params{
			"panic":  func(string) ([]float64, error) { panic("no disk") },
			"goexit": func(string) ([]float64, error) { runtime.Goexit(); return nil, nil },
			"short":  func(string) ([]float64, error) { return make([]float64, 3), nil },
			"error":  func(string) ([]float64, error) { return nil, errors.New("no disk") },
		} {
			broken = false
			m, err := e.Load(t.Context(), NewModelSource(what, c, "", func(name string) ([]float64, error) {
				if broken {
					return bad(name)
				}
				return good(name)
			}))
			if err != nil {
				t.Fatal(err)
			}
			broken = true // behind Load's back
			_, err = m.Segment(t.Context(), testPicture(0, 32, 32))
			if refused := (*ModelError)(nil); !errors.As(err, &refused) {
				t.Errorf("%s: %v", what, err)
			}
			broken = false
			if _, err = m.Segment(t.Context(), testPicture(0, 32, 32)); err != nil {
				t.Errorf("after %s: %v", what, err)
			}
			if _, err := e.Load(t.Context(), NewModelSource(what, c, "", bad)); !errors.As(err, new(*ModelError)) {
				t.Errorf("Load of %s: %v", what, err)
			}
		}
		if _, err := e.Load(t.Context(), NewModelSource("none", c, "", nil)); !errors.As(err, new(*ModelError)) {
			t.Errorf("no parameters: %v", err)
		}
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { try(t, onDevice(t, info)) })
	e := onReference(t)
	defer e.Close()
	t.Run("interpreter", func(t *testing.T) { try(t, e) })
}

// loudly is a logger's handler that panics.
type loudly struct{ slog.Handler }

func (loudly) Enabled(context.Context, slog.Level) bool  { return true }
func (loudly) Handle(context.Context, slog.Record) error { panic("no log") }

// TestBadLogger: a handler that panics costs its messages.
func TestBadLogger(t *testing.T) {
	e := onReference(t, WithLogger(slog.New(loudly{slog.DiscardHandler})))
	if _, err := load(t, e, oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})).Segment(t.Context(), testPicture(0, 32, 32)); err != nil {
		t.Error(err)
	}
	e.opt.log.Warn("something", "reason", "none")
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// testPicture is picture i of a stream, of a size of its own.
func testPicture(i, width, height int) *picture.RGB {
	p := picture.NewRGB(width, height)
	for k := range p.Pix {
		p.Pix[k] = byte(k*(i+3)/7 + k/(3*width)*i)
	}
	return p
}

// streamInputs are n pictures; those in bad fail to load.
func streamInputs(n int, bad ...int) iter.Seq[Input] {
	return func(yield func(Input) bool) {
		for i := range n {
			load := func(context.Context) (*picture.RGB, error) {
				if slices.Contains(bad, i) {
					return nil, fmt.Errorf("picture %d is corrupt", i)
				}
				return testPicture(i, 40+i%3, 50), nil
			}
			if !yield(Input{Name: fmt.Sprint(i), Load: load}) {
				return
			}
		}
	}
}

// TestStream: items in input order whatever the batch, the same masks for
// every batch, and failures that stay with their image.
func TestStream(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		o := AttentionOptions{}
		var first [][]uint8
		for _, batch := range []int{1, 4, 5} {
			o.Batch = batch
			n := 0
			for item, err := range m.SegmentStream(context.Background(), streamInputs(13, 0, 6, 7, 12), o) {
				if err != nil {
					t.Fatal(err)
				}
				if item.Input.Name != fmt.Sprint(n) {
					t.Fatalf("batch %d: item %d is %s", batch, n, item.Input.Name)
				}
				if bad := slices.Contains([]int{0, 6, 7, 12}, n); bad != (item.Err != nil) {
					t.Errorf("item %d: error %v", n, item.Err)
				}
				var pix []uint8
				if item.Err == nil {
					mask := item.Value.Objects[0].Mask
					if mask.Width != 40+n%3 || mask.Height != 50 {
						t.Errorf("item %d: the mask is %d×%d", n, mask.Width, mask.Height)
					}
					pix = mask.Pix
				}
				if batch == 1 {
					first = append(first, pix)
				} else if !slices.Equal(first[n], pix) {
					t.Errorf("item %d: the mask depends on the batch", n)
				}
				n++
			}
			if n != 13 {
				t.Errorf("batch %d: %d items", batch, n)
			}
		}
	})
}

// TestNativeSizes: images of different sizes go through in order, each on a
// grid of its own.
func TestNativeSizes(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		o := AttentionOptions{}
		o.Size.Native = true
		sizes := [][2]int{{40, 24}, {41, 30}, {16, 16}, {7, 30}, {64, 8}, {40, 24}}
		var imgs []image.Image
		for i, s := range sizes {
			imgs = append(imgs, testPicture(i, s[0], s[1]))
		}
		n := 0
		for item, err := range m.SegmentStream(context.Background(), Images(imgs), o) {
			if err != nil {
				t.Fatal(err)
			}
			if s := sizes[n]; s[0] < 8 {
				if item.Err == nil || !strings.Contains(item.Err.Error(), "smaller than one patch") {
					t.Errorf("%v gives %v", s, item.Err)
				}
			} else if item.Err != nil || item.Frame.Columns != s[0]/8 || item.Frame.Rows != s[1]/8 || item.Value.Objects[0].Mask.Width != s[0] {
				t.Errorf("%v: frame %+v, %v", s, item.Frame, item.Err)
			}
			n++
		}
	})
}

// TestInteractive: whoever offers one input at a time gets its result before
// the next, although the batch is not full.
func TestInteractive(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		o := AttentionOptions{}
		o.Batch = 8
		answered := make(chan int)
		inputs := func(yield func(Input) bool) {
			for i := range 3 {
				if !yield(Input{Load: func(context.Context) (*picture.RGB, error) { return testPicture(i, 32, 32), nil }}) {
					return
				}
				select {
				case <-answered:
				case <-time.After(time.Minute):
					t.Error("no answer to a single input")
					return
				}
			}
		}
		for item, err := range m.SegmentStream(context.Background(), inputs, o) {
			if err != nil || item.Err != nil {
				t.Fatal(err, item.Err)
			}
			answered <- 1
		}
	})
}

// TestCancel: a cancelled stream ends with the context's error, and so does
// one whose consumer leaves; no goroutine stays.
func TestCancel(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		o := AttentionOptions{}
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var last error
		n := 0
		for _, err := range m.SegmentStream(ctx, streamInputs(10000), o) {
			if n++; n == 5 {
				cancel()
			}
			last = err
		}
		if !errors.Is(last, context.Canceled) || n > 200 {
			t.Errorf("after cancelling: %d items, last error %v", n, last)
		}
		n = 0
		for range m.SegmentStream(context.Background(), streamInputs(10000), o) {
			if n++; n == 3 {
				break
			}
		}
		for range 100 {
			if runtime.NumGoroutine() <= before {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if now := runtime.NumGoroutine(); now > before {
			t.Errorf("%d goroutines before, %d after", before, now)
		}
	})
}

// TestCancelledInTheLoop: a stream whose context ends while the loop's body runs says
// so: it never ends as if all inputs had come.
func TestCancelledInTheLoop(t *testing.T) {
	m := load(t, simulated(t, time.Microsecond), oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	read := Embed(EmbedOptions{InputOptions: InputOptions{Batch: 1}})
	silent := 0
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		n, last := 0, error(nil)
		for _, err := range read.Stream(ctx, m, streamInputs(1000)) {
			if n, last = n+1, err; n == 3 {
				cancel()
				time.Sleep(2 * time.Millisecond) // the stream's goroutines end
			}
		}
		if !errors.Is(last, context.Canceled) {
			silent++
		}
		cancel()
	}
	if silent > 0 {
		t.Errorf("%d of 50 streams that were cancelled end without an error", silent)
	}
}

// TestLostDevice makes Vulkan calls of a stream fail with a lost device, one
// after another: each time all items come, with the same masks, or a typed
// error ends the stream.
func TestLostDevice(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		faults := vk.NewFaults()
		defer faults.Free()
		recovered := 0
		var want [][]uint8
		for call := -1; call < 40; call++ {
			e := onDevice(t, info, withFaults(faults))
			m := load(t, e, src)
			o := AttentionOptions{}
			o.Batch = 2
			var got [][]uint8
			var failure error
			n := 0
			for item, err := range m.SegmentStream(context.Background(), streamInputs(8), o) {
				if err != nil {
					failure = err
					break
				}
				got = append(got, item.Value.Objects[0].Mask.Pix)
				if n++; n == 2 && call >= 0 {
					faults.Set(call, vk.DeviceLost)
				}
			}
			fired := faults.Fired()
			faults.Set(-1, vk.Success)
			e.Close()
			switch {
			case call < 0:
				want = got
			case failure != nil:
				if !errors.Is(failure, ErrDeviceLost) {
					t.Errorf("call %d: %v", call, failure)
				}
			case len(got) != 8 || !slices.EqualFunc(got, want, func(a, b []uint8) bool { return slices.Equal(a, b) }):
				t.Errorf("call %d: %d items, or other masks", call, len(got))
			case fired:
				recovered++
			}
		}
		if recovered == 0 {
			t.Error("no run recovered from a lost device")
		}
	})
}

// TestOutOfMemory: a device whose memory a batch does not fit gets smaller
// batches, and a model that does not fit at all is ErrOutOfMemory with what is
// needed.
func TestOutOfMemory(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 2, 8, [2]int{64, 64})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		run := func(memory int64) (int, error) {
			m := load(t, onDevice(t, info, WithMemory(memory)), src)
			o := AttentionOptions{}
			o.Batch = 16
			n := 0
			for _, err := range m.SegmentStream(context.Background(), streamInputs(20), o) {
				if err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		}
		if n, err := run(2 << 20); err != nil || n != 20 {
			t.Errorf("with 2 MB: %d items, %v", n, err)
		}
		if _, err := run(1 << 16); !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "needs") {
			t.Errorf("with 64 kB: %v", err)
		}
	})
}

// TestConcurrent uses one engine from eight goroutines.
func TestConcurrent(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		want, err := m.Segment(context.Background(), testPicture(1, 40, 40))
		if err != nil {
			t.Fatal(err)
		}
		var wrong atomic.Int32
		parallel(8, 8, func(k int) {
			for range 5 {
				got, err := m.Segment(context.Background(), testPicture(1, 40, 40), AttentionOptions{InputOptions: InputOptions{Size: Size{Width: 32 + 8*(k%3), Height: 32}}})
				if err != nil || k%3 == 0 && !slices.Equal(got.Objects[0].Mask.Pix, want.Objects[0].Mask.Pix) {
					wrong.Add(1)
				}
			}
		})
		if wrong.Load() > 0 {
			t.Errorf("%d results are wrong", wrong.Load())
		}
	})
}

// TestInterpreterAgrees: the CPU device gives the masks that a device gives.
func TestInterpreterAgrees(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 3, 8, [2]int{64, 64})
	img := testPicture(2, 100, 90)
	segment := func(opts ...Option) *Segmentation {
		e, err := Open(context.Background(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		s, err := load(t, e, src).Segment(context.Background(), img, AttentionOptions{Options: readout.Options{Head: readout.HeadEach}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := segment(WithDevice(Interpreter))
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		got := segment(WithDevice("uuid:"+info.UUID), withoutSelfTest())
		for k, obj := range got.Objects {
			if obj.Head != readout.HeadAt(k) || !slices.Equal(obj.Mask.Pix, want.Objects[k].Mask.Pix) {
				t.Errorf("head %d differs from the interpreter's", k)
			}
		}
	})
}

func TestClosed(t *testing.T) {
	e, err := Open(context.Background(), WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, e, oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Segment(context.Background(), testPicture(0, 32, 32)); !errors.Is(err, ErrClosed) {
		t.Errorf("a model of a closed engine gives %v", err)
	}
}

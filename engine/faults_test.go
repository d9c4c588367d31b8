package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestUnreadableWeights: a disk that can't be read is the model's fault, on a
// device and in the interpreter, and whoever asks.
func TestUnreadableWeights(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	src.params = func(name string) ([]float64, error) {
		return nil, fmt.Errorf("tensor %s: %w", name, &fs.PathError{Op: "read", Path: "weights", Err: syscall.EIO})
	}
	refused := func(t *testing.T, what string, err error) {
		t.Helper()
		var model *ModelError
		if !errors.As(err, &model) || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s gives %v", what, err)
		}
	}
	ctx := context.Background()
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		_, err := m.Segment(ctx, testPicture(0, 32, 32))
		refused(t, "Segment", err)
		_, err = m.Check(ctx, Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, pixels)
		refused(t, "Check", err)
	})
	e, err := Open(ctx, WithDevice(Interpreter))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = load(t, e, src).Segment(ctx, testPicture(0, 32, 32))
	refused(t, "the interpreter", err)
}

// TestLostDeviceIsNotTheModel: what fails on the device while weights are
// uploaded is not blamed on the model.
func TestLostDeviceIsNotTheModel(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	r := Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		faults := vk.NewFaults()
		defer faults.Free()
		seen := 0
		for call := range 12 {
			e := onDevice(t, info, withFaults(faults))
			m := load(t, e, src)
			faults.Set(call, vk.DeviceLost)
			e.use.RLock()
			_, done, err := m.acquire(context.Background(), r)
			if err == nil {
				done()
			}
			e.use.RUnlock()
			faults.Set(-1, vk.Success)
			var model *ModelError
			if errors.As(err, &model) {
				t.Errorf("call %d: %v", call, err)
			}
			if errors.Is(err, ErrDeviceLost) {
				seen++
			}
			e.Close()
		}
		if seen == 0 {
			t.Error("no device was lost")
		}
	})
}

// TestClosedDevice: what runs on a device says that the engine, or the model,
// is closed.
func TestClosedDevice(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	ctx := context.Background()
	r := Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for what, closing := range map[string]func(*Engine, *Model) error{
			"engine": func(e *Engine, _ *Model) error { return e.Close() },
			"model":  func(_ *Engine, m *Model) error { return m.Close() },
		} {
			e := onDevice(t, info)
			m := load(t, e, src)
			if err := closing(e, m); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Check(ctx, r, devicetest.Pixels(32, 32, 1)); !errors.Is(err, ErrClosed) {
				t.Errorf("closed %s: Check gives %v", what, err)
			}
			if _, err := m.Segment(ctx, testPicture(0, 32, 32)); !errors.Is(err, ErrClosed) {
				t.Errorf("closed %s: Segment gives %v", what, err)
			}
			rows := 0
			for _, err := range m.Verify(ctx, VerifyOptions{}) {
				if rows++; !errors.Is(err, ErrClosed) || rows > 1 {
					t.Errorf("closed %s: row %d of Verify gives %v", what, rows, err)
				}
			}
		}
	})
}

// TestBadKernelIsReplaced: four models at once find that a kernel computes
// something else, and run with another one, which is reported once.
func TestBadKernelIsReplaced(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	r := Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	pixels := devicetest.Pixels(32, 32, 1)
	want := reference(t, src, r, pixels)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		g, err := readout.Graph(&src.Config, r, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(g, run.LimitsOf(info, 0), plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name, _ := devicetest.Replaceable(t, p)
		code := devicetest.Ruined(t, name)
		var log bytes.Buffer
		var mu sync.Mutex
		e, err := Open(context.Background(), WithDevice("uuid:"+info.UUID), WithSPIRV(devicetest.Serving(name, code)), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		var results [][]float32
		var wg sync.WaitGroup
		for range 4 {
			m := load(t, e, src)
			wg.Go(func() { // where it fails it ends, with its errors
				out := m.runOnce(t, r, pixels)["logits"].Data
				mu.Lock()
				defer mu.Unlock()
				results = append(results, out)
			})
		}
		wg.Wait()
		for i, out := range results {
			if err := near(out, want["logits"].Data, goldenTolerance); err != nil {
				t.Errorf("model %d: %v", i, err)
			}
			if !sameBits(out, results[0]) {
				t.Errorf("model %d has other bits", i)
			}
		}
		if n := strings.Count(log.String(), "kernel disabled"); n != 1 || len(results) != 4 {
			t.Errorf("%d of 4 models ran, %d reports:\n%s", len(results), n, log.String())
		}
	})
}

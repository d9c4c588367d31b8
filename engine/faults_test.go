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
	"github.com/crate-vk/crate-vk/shaders"
)

// TestUnreadableWeights: a disk that can't be read is the model's fault, when it
// is loaded or later, on a device and in the interpreter, and whoever asks.
func TestUnreadableWeights(t *testing.T) {
	broken := false
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	read := src.params
	src.params = func(name string) ([]float64, error) {
		if broken {
			return nil, fmt.Errorf("tensor %s: %w", name, &fs.PathError{Op: "read", Path: "weights", Err: syscall.EIO})
		}
		return read(name)
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
	try := func(t *testing.T, e *Engine) {
		broken = false
		m := load(t, e, src)
		broken = true
		_, err := m.Segment(ctx, testPicture(0, 32, 32))
		refused(t, "Segment", err)
		if e.device != nil {
			_, err = m.check(ctx, Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, pixels)
			refused(t, "Check", err)
		}
		fresh := NewModelSource(src.Name, src.Config, "", src.params)
		_, err = e.Load(ctx, fresh)
		refused(t, "Load", err)
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { try(t, onDevice(t, info)) })
	e := onReference(t)
	defer e.Close()
	try(t, e)
}

// TestLostDeviceIsNotTheModel: what fails on the device while weights are
// uploaded is not blamed on the model.
func TestLostDeviceIsNotTheModel(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	r := Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	pixels := devicetest.Pixels(32, 32, 1)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		faults := vk.NewFaults()
		defer faults.Free()
		seen := 0
		for call := range 12 {
			e := onDevice(t, info, withFaults(faults))
			m := load(t, e, src)
			faults.Set(call, vk.DeviceLost)
			_, err := m.runRequest(context.Background(), r, pixels)
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
		for what, want := range map[string]error{"engine": ErrClosed, "model": ErrModelClosed} {
			e := onDevice(t, info)
			m := load(t, e, src)
			closing := e.Close
			if what == "model" {
				closing = m.Close
			}
			for range 2 {
				if err := closing(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := m.check(ctx, r, devicetest.Pixels(32, 32, 1)); !errors.Is(err, want) {
				t.Errorf("closed %s: Check gives %v", what, err)
			}
			if _, err := m.Segment(ctx, testPicture(0, 32, 32)); !errors.Is(err, want) {
				t.Errorf("closed %s: Segment gives %v", what, err)
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
		ruined := func(kernel string) ([]byte, error) { // however it loads: else the other way is taken
			if kernel == name || kernel == name+".texel" {
				return devicetest.Ruined(t, kernel), nil
			}
			return shaders.SPIRV(kernel)
		}
		var log bytes.Buffer
		var mu sync.Mutex
		e, err := Open(context.Background(), WithDevice("uuid:"+info.UUID), withSPIRV(ruined), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
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

package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
)

func tuneRequest(batch int) Request {
	return Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: batch}
}

// tunedPlan is the text of the plan that an engine makes.
func tunedPlan(t *testing.T, e *Engine, src *ModelSource) string {
	t.Helper()
	g, err := readout.Graph(&src.Config, tuneRequest(1), pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.device.Plan(context.Background(), g, e.planOptions())
	if err != nil {
		t.Fatal(err)
	}
	return p.String()
}

// otherShapes takes, for each kind of work in a model's plan, the last shape
// that may be measured, whatever its speed.
func otherShapes(t *testing.T, e *Engine, src *ModelSource) map[string]string {
	t.Helper()
	g, err := readout.Graph(&src.Config, tuneRequest(1), pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, e.machine().Limits, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]string{}
	for i := range p.Dispatches {
		if kind := plan.Kind(p, &p.Dispatches[i]); kind != "" {
			names := plan.Shapes(e.machine().Limits, &p.Dispatches[i])
			shapes[kind] = names[len(names)-1]
		}
	}
	return shapes
}

// TestStoredTuning: a stored choice changes the plan and its name, results stay
// within the tolerance, and images keep their bits in every batch.
func TestStoredTuning(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 2, 4, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		dir := t.TempDir()
		static := onDevice(t, info, WithCache(dir))
		shapes := otherShapes(t, static, src)
		if err := run.WriteTuning(dir, run.TuningDeviceOf(info), shapes); err != nil {
			t.Fatal(err)
		}
		if static.machine().Tuning != "static" {
			t.Errorf("an open engine's tuning became %s", static.machine().Tuning)
		}
		tuned := onDevice(t, info, WithCache(dir))
		if name := tuned.machine().Tuning; len(name) != 8 || name != run.TuningName(shapes) {
			t.Errorf("the tuning is called %q", name)
		}
		if e := onDevice(t, info, WithCache(dir), withoutTuning()); e.machine().Tuning != "static" || tunedPlan(t, e, src) != tunedPlan(t, static, src) {
			t.Errorf("WithoutTuning has tuning %s, or another plan", e.machine().Tuning)
		}
		if tunedPlan(t, tuned, src) == tunedPlan(t, static, src) {
			t.Errorf("the plan is the same with %v", shapes)
		}
		pixels := devicetest.Pixels(32, 32, 4)
		a := load(t, static, src).runOnce(t, tuneRequest(4), pixels)["logits"].Data
		m := load(t, tuned, src)
		b := m.runOnce(t, tuneRequest(4), pixels)["logits"].Data
		if err := near(b, a, 1e-4); err != nil {
			t.Error(err)
		}
		for i := range 4 {
			one := m.runOnce(t, tuneRequest(1), pixels[i*len(pixels)/4:(i+1)*len(pixels)/4])["logits"].Data
			if !slices.Equal(one, b[i*len(one):(i+1)*len(one)]) {
				t.Errorf("image %d has other bits alone than in a batch of 4", i)
			}
		}
	})
}

// TestForeignTuning: a choice of another device, driver or vector width, and
// a file that is corrupt or of another format, are ignored with a warning.
func TestForeignTuning(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		here := run.TuningDeviceOf(info)
		write := func(t *testing.T, change func(*run.TuningDevice), corrupt func([]byte) []byte) string {
			dir, d := t.TempDir(), here
			change(&d)
			if err := run.WriteTuning(dir, d, map[string]string{"linear_lanes 1×1→1": "16x1 storage"}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(dir, d.File()))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, here.File()), corrupt(data), 0o644); err != nil {
				t.Fatal(err)
			}
			return dir
		}
		same, whole := func(*run.TuningDevice) {}, func(b []byte) []byte { return b }
		for name, dir := range map[string]string{
			"device":  write(t, func(d *run.TuningDevice) { d.UUID = strings.Repeat("0", 32) }, whole),
			"driver":  write(t, func(d *run.TuningDevice) { d.Version++ }, whole),
			"vectors": write(t, func(d *run.TuningDevice) { d.VectorBits = 1024 }, whole),
			"shape":   write(t, same, func(b []byte) []byte { return []byte(strings.Replace(string(b), "16x1", "32x1", 1)) }),
			"format":  write(t, same, func(b []byte) []byte { return []byte(strings.Replace(string(b), `"format": 2`, `"format": 3`, 1)) }),
			"cut":     write(t, same, func(b []byte) []byte { return b[:len(b)/2] }),
			"empty":   write(t, same, func(b []byte) []byte { return nil }),
		} {
			var log strings.Builder
			e := onDevice(t, info, WithCache(dir), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if e.machine().Tuning != "static" || !strings.Contains(log.String(), "stored tuning is ignored") {
				t.Errorf("%s: tuning %s, log %s", name, e.machine().Tuning, log.String())
			}
		}
		if e := onDevice(t, info, WithCache(write(t, same, whole))); e.machine().Tuning == "static" {
			t.Error("an intact file of this device is ignored")
		}
	})
}

package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
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
	p, err := e.plan(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	return p.String()
}

// otherShapes takes, for each kind of work in a model's plan, the last shape
// that may be measured, whatever its speed.
func otherShapes(t *testing.T, e *Engine, src *ModelSource) map[string]string {
	t.Helper()
	m := load(t, e, src)
	kinds, err := m.tuneKinds([]Request{tuneRequest(1)})
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]string{}
	for _, k := range kinds {
		names := plan.Shapes(e.gpu.lim, k.d)
		shapes[k.name] = names[len(names)-1]
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
		if err := writeTuning(dir, tuningDeviceOf(info), shapes); err != nil {
			t.Fatal(err)
		}
		if static.Tuning() != "static" {
			t.Errorf("an open engine's tuning became %s", static.Tuning())
		}
		tuned := onDevice(t, info, WithCache(dir))
		if name := tuned.Tuning(); len(name) != 8 || name != tuningName(shapes) {
			t.Errorf("the tuning is called %q", name)
		}
		if e := onDevice(t, info, WithCache(dir), WithoutTuning()); e.Tuning() != "static" || tunedPlan(t, e, src) != tunedPlan(t, static, src) {
			t.Errorf("WithoutTuning has tuning %s, or another plan", e.Tuning())
		}
		if tunedPlan(t, tuned, src) == tunedPlan(t, static, src) {
			t.Errorf("the plan is the same with %v", shapes)
		}
		pixels := picturePixels(32, 32, 4)
		a := load(t, static, src).runOnce(t, tuneRequest(4), pixels)["logits"].Data
		m := load(t, tuned, src)
		b := m.runOnce(t, tuneRequest(4), pixels)["logits"].Data
		want := make([]float64, len(a))
		for i, x := range a {
			want[i] = float64(x)
		}
		if fact := disagreement(b, want, 1e-4); fact != "" {
			t.Error(fact)
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
		here := tuningDeviceOf(info)
		write := func(t *testing.T, change func(*tuningDevice), corrupt func([]byte) []byte) string {
			dir, d := t.TempDir(), here
			change(&d)
			if err := writeTuning(dir, d, map[string]string{"linear_lanes 1×1→1": "16x1 storage"}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(d.path(dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(here.path(dir), corrupt(data), 0o644); err != nil {
				t.Fatal(err)
			}
			return dir
		}
		same, whole := func(*tuningDevice) {}, func(b []byte) []byte { return b }
		for name, dir := range map[string]string{
			"device":  write(t, func(d *tuningDevice) { d.UUID = strings.Repeat("0", 32) }, whole),
			"driver":  write(t, func(d *tuningDevice) { d.Version++ }, whole),
			"vectors": write(t, func(d *tuningDevice) { d.VectorBits = 1024 }, whole),
			"shape":   write(t, same, func(b []byte) []byte { return []byte(strings.Replace(string(b), "16x1", "32x1", 1)) }),
			"format":  write(t, same, func(b []byte) []byte { return []byte(strings.Replace(string(b), `"format": 1`, `"format": 2`, 1)) }),
			"cut":     write(t, same, func(b []byte) []byte { return b[:len(b)/2] }),
			"empty":   write(t, same, func(b []byte) []byte { return nil }),
		} {
			var log strings.Builder
			e := onDevice(t, info, WithCache(dir), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if e.Tuning() != "static" || !strings.Contains(log.String(), "stored tuning is ignored") {
				t.Errorf("%s: tuning %s, log %s", name, e.Tuning(), log.String())
			}
		}
		if e := onDevice(t, info, WithCache(write(t, same, whole))); e.Tuning() == "static" {
			t.Error("an intact file of this device is ignored")
		}
	})
}

// TestTuningIsReplacedWhole: choices for several models add up, and nothing but
// the finished file is left in the folder.
func TestTuningIsReplacedWhole(t *testing.T) {
	dir, d := t.TempDir(), tuningDevice{Name: "some device", UUID: "ab"}
	for _, kind := range []string{"a", "b", "a"} {
		if err := writeTuning(dir, d, map[string]string{kind: "32x2 texel"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeTuning(dir, d, map[string]string{"c": ""}); err != nil {
		t.Fatal(err)
	}
	shapes, err := readTuning(dir, d)
	if err != nil || len(shapes) != 2 {
		t.Errorf("stored are %v, %v", shapes, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeTuning(filepath.Join(dir, "file"), d, shapes); err == nil {
		t.Error("writing below a file succeeded")
	}
}

// TestTune measures for a moment: each kind has the static shape and a chosen
// one that was measured.
func TestTune(t *testing.T) {
	src := oddModel(t, 96, 96, 3, 2, 4, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		dir := t.TempDir()
		m := load(t, onDevice(t, info, WithCache(dir)), src)
		rows, err := m.Tune(context.Background(), TuneOptions{Requests: []Request{tuneRequest(1)}, Budget: time.Second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		shapes, err := readTuning(dir, tuningDeviceOf(info))
		if err != nil || len(rows) < 3 || len(shapes) == 0 {
			t.Fatalf("%d kinds were measured, %d stored, %v", len(rows), len(shapes), err)
		}
		for _, r := range rows {
			at := slices.IndexFunc(r.Shapes, func(s TuneShape) bool { return s.Name == r.Chosen })
			if r.Err != nil || at < 0 || r.Shapes[at].Runs < 3 || r.Shapes[0].Runs < 3 || r.Gain < 1 || shapes[r.Kind] != r.Chosen && (at > 0 || shapes[r.Kind] != "") {
				t.Errorf("%+v, stored %s", r, shapes[r.Kind])
			}
		}
	})
}

// TestShapesAgree: all shapes of linear_lanes give the same bits, and so do
// those of attend_lanes with as many keys a step: a lane has one accumulator an
// output, and sums in the same order. (TestTileShapesAgree is about
// linear_tiles. Other numbers of keys or splits change how the running maximum
// rescales, and agree within the tolerance.)
func TestShapesAgree(t *testing.T) {
	ctx := context.Background()
	src := oddModel(t, 96, 96, 3, 1, 4, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := openGPU(t, inst, info)
		if !g.lim.Shuffle {
			t.Skip("the device has no shuffles")
		}
		gr, err := readout.Graph(&src.Config, tuneRequest(1), pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(gr, g.lim, plan.Options{Family: plan.Lanes})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			kind := plan.Kind(p, d)
			if kind == "" || seen[kind] {
				continue
			}
			seen[kind] = true
			one, err := oneOp(p, d)
			if err != nil {
				t.Fatal(err)
			}
			first := map[string][]float32{}
			for _, shape := range plan.Shapes(g.lim, d) {
				group := "all"
				if strings.HasPrefix(kind, "attend") {
					_, group, _ = strings.Cut(shape, "x") // keys and load
					group, _, _ = strings.Cut(group, " ")
				}
				got := runShape(ctx, t, g, one, kind, shape)
				if first[group] == nil {
					first[group] = got
				} else if !slices.Equal(first[group], got) {
					t.Errorf("%s: %s has other bits than its like", kind, shape)
				}
			}
		}
		if len(seen) < 3 {
			t.Errorf("only %v were compared", seen)
		}
	})
}

func runShape(ctx context.Context, t *testing.T, g *gpu, gr *graph.Graph, kind, shape string) []float32 {
	t.Helper()
	p, err := plan.New(gr, g.lim, plan.Options{Family: plan.Lanes, Choices: plan.Choices{Tuned: map[string]string{kind: shape}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Shape(&p.Dispatches[len(p.Dispatches)-1]); got != shape {
		t.Fatalf("%s was planned as %s, want %s", kind, got, shape)
	}
	out, err := g.runOnce(ctx, p, randomParams(gr), randomInputs(gr))
	if err != nil {
		t.Fatal(err)
	}
	return out["y"].Data
}

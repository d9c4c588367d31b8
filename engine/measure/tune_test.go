package measure_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestTune measures for a moment: each kind has the static shape and a chosen
// one that was measured, but where there was no other to try.
func TestTune(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		dir := t.TempDir()
		m := openModel(t, info, 2, engine.WithCache(dir))
		rows, err := measure.Tune(context.Background(), m, measure.TuneOptions{Requests: []readout.Request{{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}}, Budget: time.Second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		shapes, err := run.ReadTuning(dir, run.TuningDeviceOf(info))
		if err != nil || len(rows) < 3 {
			t.Fatalf("%d kinds were measured, %d stored, %v", len(rows), len(shapes), err)
		}
		for _, r := range rows {
			tried := slices.ContainsFunc(r.Shapes[1:], func(s measure.TuneShape) bool { return s.Err == nil })
			if !tried {
				if r.Chosen != r.Shapes[0].Name {
					t.Errorf("there is nothing to choose in %+v", r)
				}
				continue
			}
			at := slices.IndexFunc(r.Shapes, func(s measure.TuneShape) bool { return s.Name == r.Chosen })
			if r.Err != nil || at < 0 || r.Shapes[at].Runs < 3 || r.Shapes[0].Runs < 3 || r.Gain < 1 || at > 0 && shapes[r.Kind] != r.Chosen || at == 0 && shapes[r.Kind] != "" {
				t.Errorf("%+v, stored %s", r, shapes[r.Kind])
			}
		}
	})
}

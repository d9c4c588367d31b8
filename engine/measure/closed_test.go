package measure_test

import (
	"context"
	"errors"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/measure"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestClosed: what is measured on a closed engine, or of a closed model, says
// so.
func TestClosed(t *testing.T) {
	ctx := context.Background()
	r := readout.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}
	check := func(t *testing.T, e *engine.Engine, m *engine.Model, want error) {
		for name, call := range map[string]func() error{
			"Bench":   func() error { _, err := measure.Bench(ctx, m, r, measure.BenchOptions{Repeat: 1}); return err },
			"Alone":   func() error { _, err := measure.Alone(ctx, m, r, 1); return err },
			"Kernels": func() error { _, err := measure.Kernels(ctx, m, 1, false, true); return err },
			"Tune": func() error {
				_, err := measure.Tune(ctx, m, measure.TuneOptions{Requests: []readout.Request{r}, DryRun: true}, nil)
				return err
			},
			"DeviceCeiling": func() error {
				if e == nil {
					return want
				}
				_, err := measure.DeviceCeiling(e)
				return err
			},
			"DeviceCeilings": func() error {
				if e == nil {
					return want
				}
				_, err := measure.DeviceCeilings(ctx, e)
				return err
			},
			"Product": func() error {
				if e == nil {
					return want
				}
				_, err := measure.Product(ctx, e, measure.ProductSize{Batch: 1, Tokens: 8, Inner: 8, Columns: 8}, 0)
				return err
			},
			"Affinity": func() error {
				if e == nil {
					return want
				}
				_, _, err := measure.Affinity(ctx, e, make([]float32, 12), 1, 4, 0.2, measure.BenchOptions{Repeat: 1})
				return err
			},
		} {
			if err := call(); !errors.Is(err, want) {
				t.Errorf("%s gives %v", name, err)
			}
		}
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e, m := openEngine(t, info, 1)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, nil, m, engine.ErrModelClosed)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, e, m, engine.ErrClosed)
	})
}

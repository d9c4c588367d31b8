package prove

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// TestChooseLoad: a way to load is chosen where there are two, it is kept, and where
// one computes something else it is the other.
func TestChooseLoad(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		if plan.Loads(run.LimitsOf(info, 0)) == nil {
			d := open(t, inst, info)
			if err := d.ChooseLoad(context.Background()); err != nil || d.Limits.Load != "" {
				t.Errorf("a device with small texel buffers loads by %q, %v", d.Limits.Load, err)
			}
			return
		}
		for _, x := range []struct {
			ruined string
			want   []plan.Load
		}{
			{"linear", plan.Loads(run.LimitsOf(info, 0))}, // which has no part in it
			{"linear_lanes", []plan.Load{plan.LoadTexels}},
			{"linear_lanes.texel", []plan.Load{plan.LoadStorage}},
		} {
			o := run.DeviceOptions{SPIRV: devicetest.Serving(x.ruined, devicetest.Ruined(t, x.ruined)), CacheDir: t.TempDir()}
			d := NewDevice(enginetest.OpenWith(t, inst, info, o), Options{Log: slog.New(slog.DiscardHandler)})
			if err := d.ChooseLoad(context.Background()); err != nil || !slices.Contains(x.want, d.Limits.Load) {
				t.Errorf("with %s ruined the device loads by %q, %v; want %v", x.ruined, d.Limits.Load, err, x.want)
			}
			if kept := plan.Load(d.Kept("load")); kept != d.Limits.Load {
				t.Errorf("%q is kept, want %q", kept, d.Limits.Load)
			}
			if again := enginetest.OpenWith(t, inst, info, o); again.Limits.Load != d.Limits.Load {
				t.Errorf("opened again the device loads by %q, first by %q", again.Limits.Load, d.Limits.Load)
			}
		}
	})
}

// TestChooseLoadEnds: a context that ends ends the choice, with its reason.
func TestChooseLoadEnds(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		if plan.Loads(run.LimitsOf(info, 0)) == nil {
			t.Skip("there is nothing to choose")
		}
		d, reason := open(t, inst, info), errors.New("enough")
		d.Limits.Load = ""
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if err := d.ChooseLoad(ctx); !errors.Is(err, reason) || d.Limits.Load != "" {
			t.Errorf("got %v, and the device loads by %q", err, d.Limits.Load)
		}
	})
}

// TestFaster: most rounds decide, not one that was disturbed.
func TestFaster(t *testing.T) {
	for _, x := range []struct {
		first, second []time.Duration
		want          int
	}{
		{[]time.Duration{5, 5, 5}, []time.Duration{4, 4, 4}, 1},
		{[]time.Duration{5, 5, 5}, []time.Duration{4, 4, 99}, 1},
		{[]time.Duration{5, 5, 99}, []time.Duration{6, 6, 7}, 0},
		{[]time.Duration{5, 5, 5}, []time.Duration{5, 5, 5}, 0},
	} {
		if got := faster(x.first, x.second); got != x.want {
			t.Errorf("of %v and %v the faster is %d, want %d", x.first, x.second, got, x.want)
		}
	}
}

// TestLoadsAlike: how kernels load changes no bit of what models give, so that it may
// be chosen by the clock.
func TestLoadsAlike(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		ways := plan.Loads(run.LimitsOf(info, 0))
		if ways == nil {
			t.Skip("there is one way to load on this device")
		}
		d := open(t, inst, info)
		for _, precision := range []graph.DType{graph.F32, graph.F16} {
			d.Limits.Load = ways[0]
			plans := lanesPlans(t, d.Limits, precision)
			d.Limits.Load = ways[1]
			others := lanesPlans(t, d.Limits, precision)
			differ := false
			for i, p := range plans {
				inputs, params := RandomInputs(p.Graph), RandomParams(p.Graph)
				want, err := d.Once(context.Background(), p, params, inputs)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.Once(context.Background(), others[i], params, inputs)
				if err != nil {
					t.Fatal(err)
				}
				for name, x := range want {
					if !slices.Equal(x.Data, got[name].Data) {
						t.Errorf("plan %d at %v: output %s has other bits by %s than by %s", i, precision, name, ways[1], ways[0])
					}
				}
				differ = differ || p.String() != others[i].String()
			}
			if !differ {
				t.Errorf("both ways give the same plans at %v", precision)
			}
		}
	})
}

// lanesPlans are the first and the last of the standard plans, and one of each
// read-out, for the lanes kernels.
func lanesPlans(t *testing.T, lim plan.Limits, precision graph.DType) []*plan.Plan {
	t.Helper()
	graphs, err := readoutGraphs()
	if err != nil {
		t.Fatal(err)
	}
	list, err := plansOf(graphs, lim, []plan.Family{plan.Lanes}, []graph.DType{precision})
	if err != nil {
		t.Fatal(err)
	}
	standard, err := StandardPlans(lim, []plan.Family{plan.Lanes})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range standard {
		if p.Precision == precision && i%4 == 0 {
			list = append(list, p)
		}
	}
	return list
}

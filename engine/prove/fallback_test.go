package prove

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestVariantsAreReplaced: a kernel of which several variants fail their
// self-test in one round is planned around, and the model's results are those
// of the kernels that take its place. A kernel that nothing replaces is an
// error that names it.
func TestVariantsAreReplaced(t *testing.T) {
	ctx := context.Background()
	c := devicetest.OddConfig(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	gr, err := readout.Graph(&c, readout.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	params := run.Params(c.RandomParams(5))
	image := interp.NewTensor(graph.Dims("B", 1, "Y", 32, "X", 32, "RGB", 3))
	for i, x := range devicetest.Pixels(32, 32, 1) {
		image.Data[i] = float64(x)
	}
	in := map[string]*interp.Tensor{crate.InputName: image}
	want, err := interp.Run(ctx, gr, run.Typed(params), in)
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		static, err := plan.New(gr, run.LimitsOf(info, 0), plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name, variants := devicetest.Replaceable(t, static)
		d := corrupted(t, inst, info, name, devicetest.Ruined(t, name))
		defer d.Close()
		failed, err := d.SelfTest(ctx, static)
		if err != nil || len(failed) < variants {
			t.Fatalf("%d of %d variants fail, %v", len(failed), variants, err)
		}
		logits := func() []float32 {
			p, err := d.Plan(ctx, gr, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := d.Once(ctx, p, params, in)
			if err != nil {
				t.Fatal(err)
			}
			return out["logits"].Data
		}
		got := logits()
		if fact := disagreement(got, want["logits"].Data, 1e-4); fact != "" {
			t.Error(fact)
		}
		if !d.Disabled()[name] || len(d.Disabled()) != 1 {
			t.Errorf("disabled are %v, want %s", d.Disabled(), name)
		}
		if !slices.Equal(logits(), got) {
			t.Error("the plan that knows of the bad kernel has other bits")
		}

		plain := corrupted(t, inst, info, "linear", devicetest.Ruined(t, "linear"))
		defer plain.Close()
		var bad *KernelError
		if _, err := plain.Plan(ctx, gr, plan.Options{Family: plan.Plain}); !errors.As(err, &bad) || bad.Kernel != "linear" {
			t.Errorf("a plain kernel that fails gives %v", err)
		}
	})
}

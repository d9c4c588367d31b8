package measure

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestShapesAgree: all shapes of linear_lanes give the same bits, and so do
// those of attend_lanes with as many keys a step: a lane has one accumulator an
// output, and sums in the same order. (TestTileShapesAgree is about
// linear_tiles. Other numbers of keys or splits change how the running maximum
// rescales, and agree within the tolerance.)
func TestShapesAgree(t *testing.T) {
	ctx := context.Background()
	c := devicetest.OddConfig(t, 96, 96, 3, 1, 4, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := enginetest.Open(t, inst, info)
		if !g.Limits.Shuffle {
			t.Skip("the device has no shuffles")
		}
		gr, err := readout.Graph(&c, readout.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(gr, g.Limits, plan.Options{Family: plan.Lanes})
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
			for _, shape := range plan.Shapes(g.Limits, d) {
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

func runShape(ctx context.Context, t *testing.T, g *run.Device, gr *graph.Graph, kind, shape string) []float32 {
	t.Helper()
	p, err := plan.New(gr, g.Limits, plan.Options{Family: plan.Lanes, Choices: plan.Choices{kind: shape}})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Shape(&p.Dispatches[len(p.Dispatches)-1]); got != shape {
		t.Fatalf("%s was planned as %s, want %s", kind, got, shape)
	}
	out, err := g.Once(ctx, p, prove.RandomParams(gr), prove.RandomInputs(gr))
	if err != nil {
		t.Fatal(err)
	}
	return out["y"].Data
}

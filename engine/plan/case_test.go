package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestCasesReproduce: the self-test of each dispatch plans the same variant with
// the same constants, whatever the sizes of the model: a self-test of another
// variant would prove nothing. The head dimensions are such that heads are
// padded one by one, which decides about the tails of products.
func TestCasesReproduce(t *testing.T) {
	narrow, wide := cpuLimits(), cpuLimits()
	narrow.Subgroup, wide.Subgroup = 4, 16
	wave64 := gpuLimits()
	wave64.Subgroup = 64
	small := cpuLimits()
	small.MaxTexels = 200 // too few for the tensors of the plans, enough for some of the cases
	limits := []plan.Limits{small, cpuLimits(), narrow, wide, gpuLimits(), wave64, plan.BaselineLimits()}
	seen := 0
	for _, preset := range []string{"crate-t16", "alpha-b16", "vit-s16", "mae-b16"} {
		for _, shape := range [][2]int{{30, 3}, {36, 6}, {35, 5}, {126, 7}, {66, 11}, {128, 2}, {40, 1}} { // width, heads
			c, err := crate.Preset(preset)
			if err != nil {
				t.Fatal(err)
			}
			c.Patch, c.ImageSize, c.Depth, c.Dim, c.Inner, c.Heads = 4, [2]int{16, 24}, 2, shape[0], shape[0], shape[1]
			if c.Hidden > 0 {
				c.Hidden = 2 * c.Dim
			}
			if c.Architecture == crate.MAE {
				c.DecoderDepth = 1
			}
			named := readout.Request{Batch: 2, Height: 16, Width: 24, Mask: crate.Mask{Ratio: 0.5}, Tau: 0.2}
			named.Outputs = c.FacetOutputs([]crate.Facet{"tokens", "key", "attention", "cls", "logits", "features", "embedding", "reconstruction"}, []int{0, 1})
			named.Outputs = append(named.Outputs, "affinity.1", "affinity_input.0", "gram.0")
			if c.Block == crate.BlockISTA && !c.ResidualFF {
				named.Outputs = append(named.Outputs, "zeros.1")
			}
			for _, without := range [][]string{nil, {"all"}} {
				g, err := readout.Graph(&c, named, pass.Options{Without: without})
				if err != nil {
					t.Fatal(err)
				}
				for _, lim := range limits {
					for _, family := range plan.Families(lim) {
						for _, precision := range []graph.DType{graph.F32, graph.F16} {
							if precision == graph.F16 && !lim.Storage16 {
								continue
							}
							p, err := plan.New(g, lim, plan.Options{Family: family, Precision: precision})
							if err != nil {
								t.Fatal(err)
							}
							seen += reproduce(t, fmt.Sprint(preset, shape, without, lim.Device, lim.Subgroup, family, precision), p, lim)
						}
					}
				}
			}
		}
	}
	t.Logf("%d variants", seen)
}

// reproduce plans the cases of all variants of a plan.
func reproduce(t *testing.T, name string, p *plan.Plan, lim plan.Limits) int {
	t.Helper()
	n := 0
	for _, d := range plan.Pipelines([]*plan.Plan{p}) {
		n++
		for _, size := range []plan.CaseSize{{}, {Extra: 1}} {
			c, err := plan.CaseOf(p, d, size)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			q, err := plan.New(c.Graph, lim, c.Options)
			if err != nil {
				t.Errorf("%s: the case of %s: %v", name, d.Describe(), err)
				continue
			}
			if !slices.ContainsFunc(q.Dispatches, func(o plan.Dispatch) bool { return o.Pipeline() == d.Pipeline() }) {
				t.Errorf("%s: the case of %s runs %s", name, d.Describe(), q.Dispatches[len(q.Dispatches)-1].Describe())
			}
		}
	}
	return n
}

// TestOtherLoadStandsIn: where the variant that fetches texels is disabled, the
// one that loads by storage buffers takes its place, not the plain kernel.
func TestOtherLoadStandsIn(t *testing.T) {
	g := build(t, "crate-t16", 1, "cls_attention.1")
	p := newPlan(t, g, cpuLimits(), plan.Options{Disabled: map[string]bool{"linear_lanes.texel": true, "attend_lanes.texel": true}})
	for _, d := range p.Dispatches {
		if name := d.Kernel.Name; name == "linear" || name == "attend" || name == "linear_lanes.texel" {
			t.Fatalf("%s is planned", name)
		}
	}
}

// TestRowsStandIn: where the variants of which a workgroup shares a row are
// disabled, those of an invocation a row take their places, and have cases.
func TestRowsStandIn(t *testing.T) {
	c, err := crate.Preset("crate-t16")
	if err != nil {
		t.Fatal(err)
	}
	r := readout.Request{Batch: 1, Height: 224, Width: 224, Outputs: []string{"logits", "affinity.1", "gram.0", "zeros.1"}, Tau: 0.2}
	g, err := readout.Graph(&c, r, pass.Options{Without: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	disabled := map[string]bool{}
	for _, k := range []string{"layernorm", "embed", "unit_rows", "softmax", "zero_count"} {
		disabled[k+".group"] = true
	}
	p := newPlan(t, g, gpuLimits(), plan.Options{Disabled: disabled})
	for _, d := range p.Dispatches {
		if disabled[d.Kernel.Name] {
			t.Errorf("%s is planned", d.Kernel.Name)
		}
	}
	reproduce(t, "rows", p, gpuLimits())
}

// TestShapeNames: a stored shape that is none is not taken in part.
func TestShapeNames(t *testing.T) {
	g := build(t, "crate-t16", 1, "tokens.0")
	static := newPlan(t, g, cpuLimits(), plan.Options{}).String()
	for _, name := range []string{"8x1junk", "8x1 bogus", "8x1 texel more", "8", "0x1 texel"} {
		if got := newPlan(t, g, cpuLimits(), plan.Options{Choices: plan.Choices{"linear_lanes": name}}).String(); got != static {
			t.Errorf("shape %q changes the plan", name)
		}
	}
	if got := newPlan(t, g, cpuLimits(), plan.Options{Choices: plan.Choices{"linear_lanes": "8x1 texel"}}).String(); got == static {
		t.Error("shape 8x1 texel changes nothing")
	}
}

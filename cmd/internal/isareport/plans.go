package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// limits are a GPU's limits under RADV, by hand: the report then depends on
// the compiler alone.
func limits(gpu isa.GPU) plan.Limits {
	units := map[string]int{"NAVI21": 80, "GFX1100": 96, "VEGA10": 64}
	return plan.Limits{Device: gpu.Name, Driver: "radv", Type: plan.Discrete,
		MaxStorageRange: math.MaxUint32, MaxAllocation: 2 << 30, MaxTexels: 1 << 27, StorageAlign: 4, TexelAlign: 4,
		MaxInvocations: 1024, MaxWorkgroupSize: [3]int{1024, 1024, 1024}, MaxWorkgroups: [3]int{65535, 65535, 65535},
		MaxShared: 65536, MaxPush: 256, Subgroup: gpu.Lanes, Shuffle: true, Ballot: true, Storage16: true,
		Memory: 8 << 30, ComputeUnits: units[gpu.Name], Processor: map[string]plan.Processor{"NAVI21": plan.RDNA, "GFX1100": plan.RDNA3, "VEGA10": plan.GCN}[gpu.Name]}
}

// variant is a kernel with its specialization constants, and who uses it.
type variant struct {
	dispatch plan.Dispatch
	used     []string
}

// planned collects the variants that plans use: three models, batches of 1 and
// 8, both precisions, with logits and attention map, and a batch of 1 without
// fusion.
func planned(gpu isa.GPU) ([]variant, error) {
	var all []variant
	for _, model := range []string{"emergence-b8", "crate-s16", "demo-b8"} {
		c, err := crate.Preset(model)
		if err != nil {
			return nil, err
		}
		outputs := c.FacetOutputs([]crate.Facet{crate.FacetAttention, crate.FacetLogits}, []int{c.Depth - 1})
		for _, precision := range []graph.DType{graph.F32, graph.F16} {
			for _, batch := range []int{1, 8} {
				r := engine.Request{Batch: batch, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs}
				g, err := readout.Graph(&c, r, pass.Options{})
				if err != nil {
					return nil, err
				}
				p, err := plan.New(g, limits(gpu), plan.Options{Family: plan.Tiles, Precision: precision})
				if err != nil {
					return nil, err
				}
				all = collect(all, p, fmt.Sprintf("%s b%d", model, batch))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b variant) int { return strings.Compare(a.dispatch.Kernel.Name, b.dispatch.Kernel.Name) })
	return all, nil
}

func collect(all []variant, p *plan.Plan, user string) []variant {
	for _, d := range p.Dispatches {
		i := slices.IndexFunc(all, func(v variant) bool {
			return v.dispatch.Kernel == d.Kernel && slices.Equal(v.dispatch.Spec, d.Spec)
		})
		if i < 0 {
			all, i = append(all, variant{dispatch: d}), len(all)
		}
		if !slices.Contains(all[i].used, user) {
			all[i].used = append(all[i].used, user)
		}
	}
	return all
}

// shapes are the variants that the targets of docs/performance.md name,
// whether a plan uses them or not: every tile with two epilogues, and attention
// for heads of several sizes.
func shapes(gpu isa.GPU) ([]variant, error) {
	var all []variant
	add := func(precision graph.DType, choices plan.Choices, build func(*graph.Builder) *graph.Value) error {
		b := graph.NewBuilder("shape")
		b.Output("y", build(b))
		g, err := b.Graph()
		if err != nil {
			return err
		}
		p, err := plan.New(g, limits(gpu), plan.Options{Family: plan.Tiles, Precision: precision, Choices: choices})
		if err != nil {
			return err
		}
		all = append(all, variant{dispatch: p.Dispatches[0]})
		return nil
	}
	tokens := func(b *graph.Builder, name string, channels int) *graph.Value {
		return b.Input(name, graph.F32Type("B", 1, "N", 785, "C", channels))
	}
	weight := func(b *graph.Builder) *graph.Value { return b.Param("w", graph.F32Type("R", 768, "K", 768)) }
	bias := func(b *graph.Builder) *graph.Value { return b.Param("bias", graph.F32Type("R", 768)) }
	residual := func(b *graph.Builder) *graph.Value {
		return b.Do(graph.OpLinear, nil, tokens(b, "x", 768), weight(b), bias(b), nil, tokens(b, "residual", 768))
	}
	norm := func(b *graph.Builder) *graph.Value {
		attrs := graph.Attrs{"eps": 1e-5, "act": graph.ActReLU}
		return b.Do(graph.OpLinear, attrs, tokens(b, "x", 768), b.Do(graph.OpCentre, nil, weight(b)), bias(b))
	}
	for _, precision := range []graph.DType{graph.F32, graph.F16} {
		for _, name := range plan.TileNames() {
			for _, build := range []func(*graph.Builder) *graph.Value{residual, norm} {
				if err := add(precision, plan.Choices{"linear_tiles": name}, build); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, precision := range []graph.DType{graph.F32, graph.F16} {
		for _, head := range []int{32, 48, 64, 80, 128} {
			attrs := graph.Attrs{"heads": 2, "scale": 1.0}
			for _, build := range []func(*graph.Builder) *graph.Value{
				func(b *graph.Builder) *graph.Value { return b.Do(graph.OpMSSA, attrs, tokens(b, "w", 2*head)) },
				func(b *graph.Builder) *graph.Value {
					return b.Do(graph.OpMHSA, attrs, tokens(b, "q", 2*head), tokens(b, "k", 2*head), tokens(b, "v", 2*head))
				},
			} {
				if err := add(precision, nil, build); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

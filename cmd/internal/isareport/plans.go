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
	"github.com/crate-vk/crate-vk/shaders"
)

// limits are a GPU's limits under RADV, by hand: the report then depends on
// the compiler alone.
func limits(gpu isa.GPU) plan.Limits {
	units := map[string]int{"NAVI21": 80, "GFX1100": 96, "VEGA10": 64}
	return plan.Limits{Device: gpu.Name, Driver: "radv", Type: plan.Discrete,
		MaxStorageRange: math.MaxUint32, MaxAllocation: 2 << 30, MaxTexels: 1 << 27, StorageAlign: 4, TexelAlign: 4,
		MaxInvocations: 1024, MaxWorkgroupSize: [3]int{1024, 1024, 1024}, MaxWorkgroups: [3]int{65535, 65535, 65535},
		MaxShared: 65536, MaxPush: 256, Subgroup: gpu.Lanes, Shuffle: true, Ballot: true, Storage16: true,
		Memory: 8 << 30, ComputeUnits: units[gpu.Name], WideShared: gpu.FlopsSlot == 2}
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
		outputs := c.FacetOutputs([]string{"cls_attention", "attention", "logits"}, []int{c.Depth - 1})
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
	slices.SortStableFunc(all, func(a, b variant) int { return strings.Compare(a.dispatch.Kernel, b.dispatch.Kernel) })
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
// whether a plan uses them or not.
func shapes(gpu isa.GPU) ([]variant, error) {
	var all []variant
	add := func(kernel string, constants map[string]int) error {
		k, _, err := shaders.Lookup(kernel)
		if err != nil {
			return err
		}
		d := plan.Dispatch{Kernel: kernel, Push: make([]uint32, len(k.Push)), Bind: make([]int, len(k.Bindings))}
		for _, c := range k.Spec {
			d.Spec = append(d.Spec, uint32(constants[c.Name]))
		}
		all = append(all, variant{dispatch: d})
		return nil
	}
	lim := limits(gpu)
	for _, kernel := range []string{"linear_tiles", "linear_tiles.f16"} {
		for _, name := range plan.TileNames() {
			for _, flags := range []map[string]int{{"BIAS": 1, "RESIDUAL": 1}, {"BIAS": 1, "NORM": 1, "ACT": 1}} {
				if err := add(kernel, merge(plan.TileConstants(name), flags)); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, kernel := range []string{"attend_uniform", "attend_uniform.f16"} {
		for _, head := range []int{32, 48, 64, 80, 128} {
			for _, tied := range []int{1, 0} {
				constants, ok := plan.AttentionConstants(lim, (head+3)/4)
				if !ok {
					return nil, fmt.Errorf("no shape of attend_uniform for a head of %d", head)
				}
				if err := add(kernel, merge(constants, map[string]int{"TIED": tied})); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

func merge(maps ...map[string]int) map[string]int {
	all := map[string]int{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

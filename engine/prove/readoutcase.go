package prove

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// differentBits compares words, which lie in got as float32 of the same bits. A
// bit may differ where a product lies within rounding of the threshold: one
// pair of bits, and one bit in ten thousand, are let pass.
func differentBits(got []float32, want []float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d words, want %d", len(got), len(want))
	}
	wrong, at := 0, 0
	for i, w := range want {
		if x := math.Float32bits(got[i]) ^ uint32(w); x != 0 {
			wrong, at = wrong+bits.OnesCount32(x), i
		}
	}
	if wrong <= 2+len(want)*32/10000 {
		return ""
	}
	return fmt.Sprintf("%d of %d bits differ, the last in word %d: %08x, the reference has %08x", wrong, 32*len(want), at, math.Float32bits(got[at]), uint32(want[at]))
}

// readoutPlans plans what is read off the standard models besides facets.
func readoutPlans(lim plan.Limits, families []plan.Family, precisions []graph.DType) ([]*plan.Plan, error) {
	var plans []*plan.Plan
	for _, c := range standardModels()[:2] {
		for _, precision := range precisions {
			for _, family := range families {
				g, err := readoutGraph(&c)
				if err != nil {
					return nil, err
				}
				p, err := plan.New(g, lim, plan.Options{Family: family, Precision: precision})
				if err != nil {
					return nil, err
				}
				plans = append(plans, p)
			}
		}
	}
	return plans, nil
}

func readoutGraph(c *crate.Config) (*graph.Graph, error) {
	r := readout.Request{Batch: 2, Height: 16, Width: 24, Outputs: []string{"affinity.1", "gram.0", "zeros.1"}, Tau: maskcut.Tau}
	return readout.Graph(c, r, pass.Options{})
}

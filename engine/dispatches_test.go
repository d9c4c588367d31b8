package engine

import (
	"fmt"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestDispatchesALayer holds the plans of all presets to four dispatches a
// layer of CRATE, whose queries, keys and values are one projection and whose
// ISTA block is one product, for logits and for the attention that masks are
// made of. A ViT projects three times and has two products in its MLP; CRATE-α
// takes four products and two sums for its two steps. What a layer costs is the
// difference between models four layers apart.
func TestDispatchesALayer(t *testing.T) {
	lanes, tiles := plan.BaselineLimits(), plan.BaselineLimits()
	lanes.Type, lanes.Subgroup, lanes.Shuffle = plan.Software, 8, true
	tiles.MaxInvocations, tiles.MaxShared, tiles.Ballot = 1024, 1<<15, true
	tiles.MaxWorkgroupSize = [3]int{1024, 1024, 64}
	for _, lim := range []*plan.Limits{&lanes, &tiles} {
		lim.MaxStorageRange, lim.Memory = 1<<31, 1<<40
	}
	count := func(c crate.Config, lim plan.Limits, output string) int {
		t.Helper()
		g, err := readout.Graph(&c, Request{Outputs: []string{output}, Height: c.ImageSize[0], Width: c.ImageSize[1], Batch: 1}, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(g, lim, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return len(p.Dispatches)
	}
	names, _ := crate.Presets()
	for _, name := range names {
		c, err := crate.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		most := map[crate.Architecture]int{crate.CRATE: 4, crate.MAE: 4, crate.ViT: 7, crate.Alpha: 9}[c.Architecture]
		shallow, deep := c, c
		shallow.Depth, deep.Depth = 4, 8
		for _, read := range []string{"logits", "attention"} {
			output := func(c *crate.Config) string {
				if read == "attention" {
					return fmt.Sprintf("cls_attention.%d", c.Depth-1)
				}
				if c.Classes == 0 {
					return fmt.Sprintf("tokens.%d", c.Depth-1)
				}
				return "logits"
			}
			for _, lim := range []plan.Limits{lanes, tiles} {
				extra := count(deep, lim, output(&deep)) - count(shallow, lim, output(&shallow))
				if extra > 4*most {
					t.Errorf("%s, %s on a %s device: %d dispatches for four layers, want at most %d", name, read, lim.Type, extra, 4*most)
				}
			}
		}
	}
}

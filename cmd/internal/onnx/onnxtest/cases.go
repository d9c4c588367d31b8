// Package onnxtest has graphs to test the ONNX export with: small relatives of
// every architecture, with and without the passes, read at several places.
package onnxtest

import (
	"fmt"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// Case is a graph with its weights.
type Case struct {
	Name   string
	Config crate.Config
	Graph  *graph.Graph
	Params func(name string) ([]float64, error)
}

// Cases builds all of them, for two images of 8×12 px.
func Cases(t testing.TB) []Case {
	var list []Case
	for _, preset := range []string{"crate-t16", "alpha-b16", "mae-b16", "vit-s16"} {
		c, err := crate.Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		c.Patch, c.ImageSize = 4, [2]int{8, 12}
		c.Dim, c.Inner, c.Heads, c.Depth = 18, 15, 3, 3
		last := "features"
		if c.Architecture != crate.MAE {
			c.Classes, last = 7, "logits"
		}
		if c.Hidden > 0 {
			c.Hidden = 30
		}
		list = append(list, cases(t, preset, c, last)...)
		if c.Architecture == crate.CRATE {
			soft, mean := c, c
			soft.Block, mean.Pool = crate.BlockSoft, crate.PoolMean
			list = append(list, cases(t, preset+"-soft", soft, last)...)
			list = append(list, cases(t, preset+"-mean", mean, last)...)
		}
	}
	return list
}

func cases(t testing.TB, name string, c crate.Config, last string) []Case {
	var list []Case
	for _, outputs := range [][]string{{last}, {"cls_attention.1"}, {"attention.1", "key.2", "tokens.2"}} {
		for _, without := range []string{"", "fold-centring", "all"} {
			g, err := crate.Build(&c, crate.Request{Batch: 2, Height: 8, Width: 12, Outputs: outputs})
			if err != nil {
				t.Fatal(err)
			}
			var opt pass.Options
			if without != "" {
				opt.Without = []string{without}
			}
			if err := pass.Run(g, opt); err != nil {
				t.Fatal(err)
			}
			list = append(list, Case{fmt.Sprintf("%s/%s/without=%s", name, outputs[0], without), c, g, c.RandomParams(3)})
		}
	}
	// As built, with the ops that the passes expand.
	g, err := crate.Build(&c, crate.Request{Batch: 2, Height: 8, Width: 12, Outputs: []string{last}})
	if err != nil {
		t.Fatal(err)
	}
	return append(list, Case{name + "/built", c, g, c.RandomParams(3)})
}

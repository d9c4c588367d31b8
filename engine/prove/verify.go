package prove

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// standardModels are small relatives of each architecture and ablation: their
// plans use every kernel.
func standardModels() []crate.Config {
	small := func(preset string, change func(*crate.Config)) crate.Config {
		c, err := crate.Preset(preset)
		if err != nil {
			panic(err) // our own table
		}
		c.Patch, c.ImageSize, c.Depth = 4, [2]int{16, 24}, 2
		c.Dim, c.Inner, c.Heads, c.Classes, c.ExtraHead = 36, 30, 3, 7, 0
		if c.Hidden > 0 {
			c.Hidden = 72
		}
		if c.DecoderDepth > 0 {
			c.Classes, c.DecoderDepth = 0, 1
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	wide := func(c *crate.Config) { c.Dim, c.Inner, c.Heads = 128, 128, 2 }
	return []crate.Config{
		small("crate-t16", nil),
		small("crate-t16", wide),
		small("crate-t16", func(c *crate.Config) { c.Dim, c.Inner, c.Heads = 128, 128, 1 }),
		small("crate-t16", func(c *crate.Config) { c.Block = crate.BlockSoft }),
		small("alpha-b16", nil),
		small("vit-s16", nil),
		small("vit-s16", func(c *crate.Config) { c.FCNorm, c.Pool, c.Depth = true, crate.PoolMean, 1 }),
		small("mae-b16", func(c *crate.Config) { c.Depth = 1 }),
	}
}

// StandardPlans plans the standard models for each of the families and each
// precision that a device can run, with all passes and with none, whole and
// facet by facet.
func StandardPlans(lim plan.Limits, families []plan.Family) ([]*plan.Plan, error) {
	precisions := []graph.DType{graph.F32}
	if lim.Storage16 {
		precisions = append(precisions, graph.F16)
	}
	graphs, err := readoutGraphs()
	if err != nil {
		return nil, err
	}
	for _, c := range standardModels() {
		last := c.Depth - 1
		all := c.FacetOutputs(readout.AllFacets(), slices.Compact([]int{0, last}))
		for _, outputs := range [][]string{all, {all[len(all)-1]}, {fmt.Sprintf("cls_attention.%d", last)}} {
			for _, without := range []string{"", "all", "fuse-epilogue"} {
				opt := pass.Options{}
				if without != "" {
					opt.Without = []string{without}
				}
				g, err := readout.Graph(&c, readout.Request{Batch: 2, Height: 16, Width: 24, Outputs: outputs, Mask: crate.Mask{Ratio: 0.5}}, opt)
				if err != nil {
					return nil, err
				}
				graphs = append(graphs, g)
			}
		}
	}
	return plansOf(graphs, lim, families, precisions)
}

// readoutGraphs are what is read off two of the standard models besides facets.
func readoutGraphs() ([]*graph.Graph, error) {
	var graphs []*graph.Graph
	for _, c := range standardModels()[:2] {
		r := readout.Request{Batch: 2, Height: 16, Width: 24, Outputs: []string{"affinity.1", "gram.0", "zeros.1"}, Tau: maskcut.Tau}
		g, err := readout.Graph(&c, r, pass.Options{})
		if err != nil {
			return nil, err
		}
		graphs = append(graphs, g)
	}
	return graphs, nil
}

// plansOf plans each graph for each family and precision.
func plansOf(graphs []*graph.Graph, lim plan.Limits, families []plan.Family, precisions []graph.DType) ([]*plan.Plan, error) {
	var plans []*plan.Plan
	for _, g := range graphs {
		for _, precision := range precisions {
			for _, family := range families {
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

// VerifyOptions of Verify.
type VerifyOptions struct {
	// AllFamilies tests every family of kernels that the device could run, not
	// only the one that plans for it use and the plain kernels that stand in.
	AllFamilies bool
}

// Verdict is one row of Verify.
type Verdict struct {
	What    string // a kernel variant with its constants, or an output of the model
	Family  string
	Allowed float64 // share of the largest reference value
	Err     error   // nil: agrees
}

// Verify compares the device with the interpreter: every kernel variant that
// plans for the device use on a small case, then the model as a whole, dispatch
// by dispatch. It yields a row for each as it is known; errors of the comparison
// itself, such as a lost device, end it.
func (dev *Device) Verify(ctx context.Context, m Model, o VerifyOptions) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		if dev.verifyKernels(ctx, m, o, yield) {
			dev.verifyModel(ctx, m, yield)
		}
	}
}

func (dev *Device) verifyKernels(ctx context.Context, m Model, o VerifyOptions, yield func(Verdict, error) bool) bool {
	families := plan.Families(dev.Limits)
	if !o.AllFamilies {
		families = []plan.Family{m.Options.Family, plan.Plain}
		if families[0] == "" {
			families[0] = plan.FamilyFor(dev.Limits)
		}
		families = slices.Compact(families)
	}
	plans, err := StandardPlans(dev.Limits, families)
	if err != nil {
		return yield(Verdict{}, err) && false
	}
	for p, d := range plan.Pipelines(plans) {
		bad, err := dev.Test(ctx, p, d)
		if err != nil {
			return yield(Verdict{}, err) && false
		}
		v := Verdict{What: d.Describe(), Family: string(p.Family), Allowed: tolerance(p.Precision)}
		if bad != nil {
			v.Err = bad
		}
		if !yield(v, nil) {
			return false
		}
	}
	return true
}

// verifyModel runs the model on a fixed picture of its native size.
func (dev *Device) verifyModel(ctx context.Context, m Model, yield func(Verdict, error) bool) {
	c := m.Config
	outputs := c.FacetOutputs([]crate.Facet{crate.FacetTokens, crate.FacetKey, crate.FacetClassAttention, crate.FacetLogits, crate.FacetFeatures, crate.FacetEmbedding}, []int{c.Depth - 1})
	r := readout.Request{Batch: 1, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs}
	pixels := make([]byte, 3*r.Height*r.Width)
	rnd := Random("verify")
	for i := range pixels {
		pixels[i] = byte(i*7/(3*r.Width)) + byte(rnd.IntN(64))
	}
	n, err := dev.Check(ctx, m, r, pixels)
	var bad *KernelError
	if err != nil && !errors.As(err, &bad) {
		yield(Verdict{}, err)
		return
	}
	v := Verdict{What: fmt.Sprintf("%s, %d dispatches", m.Name, n), Family: "model", Allowed: 5 * tolerance(m.Options.Precision)}
	if bad != nil {
		v.Err = bad
	}
	yield(v, nil)
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// models are the models of the report.
func models() []string { return []string{"emergence-b8", "crate-s16", "demo-b8"} }

// Who else uses a variant, beside models.
const (
	ofShapes = "shapes" // what tune may choose, and heads of several sizes
	ofVerify = "verify" // the models of crate-vk verify --all
)

// variant is a kernel with its specialization constants, and who uses it.
type variant struct {
	dispatch *plan.Dispatch
	used     []string
}

// variants collects what a device may be given.
type variants struct {
	list []variant
	at   map[string]int
}

func (all *variants) add(p *plan.Plan, user string) {
	if all.at == nil {
		all.at = map[string]int{}
	}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		at, ok := all.at[d.Pipeline()]
		if !ok {
			at = len(all.list)
			all.at[d.Pipeline()] = at
			all.list = append(all.list, variant{dispatch: d})
		}
		if v := &all.list[at]; !slices.Contains(v.used, user) {
			v.used = append(v.used, user)
		}
	}
}

// precisions are those that the device has.
func precisions(lim plan.Limits) []graph.DType {
	if lim.Storage16 {
		return []graph.DType{graph.F32, graph.F16}
	}
	return []graph.DType{graph.F32}
}

// given lists what the device is given: by models alone, or by all that there is.
func given(lim plan.Limits, everything bool) ([]variant, error) {
	var all variants
	for _, model := range models() {
		if err := addModel(&all, lim, model, precisions(lim), []int{1, 8, 32}); err != nil {
			return nil, fmt.Errorf("%s: %w", model, err)
		}
	}
	if everything {
		if err := addShapes(&all, lim); err != nil {
			return nil, err
		}
		plans, err := prove.StandardPlans(lim, []plan.Family{plan.Tiles, plan.Plain})
		if err != nil {
			return nil, err
		}
		for _, p := range plans {
			all.add(p, ofVerify)
		}
	}
	slices.SortStableFunc(all.list, func(a, b variant) int { return strings.Compare(a.dispatch.Kernel.Name, b.dispatch.Kernel.Name) })
	return all.list, nil
}

// addModel plans logits and attention maps, in each precision and for each number of images.
func addModel(all *variants, lim plan.Limits, model string, in []graph.DType, batches []int) error {
	c, err := crate.Preset(model)
	if err != nil {
		return err
	}
	outputs := c.FacetOutputs([]crate.Facet{crate.FacetAttention, crate.FacetLogits}, []int{c.Depth - 1})
	for _, precision := range in {
		for _, batch := range batches {
			r := engine.Request{Batch: batch, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs}
			g, err := readout.Graph(&c, r, pass.Options{})
			if err != nil {
				return err
			}
			p, err := plan.New(g, lim, plan.Options{Family: plan.Tiles, Precision: precision})
			if err != nil {
				return err
			}
			all.add(p, model)
		}
	}
	return nil
}

// addShapes adds every shape that tune may choose for a product, and attention for heads of
// several sizes, with one projection for query, key and value and with three.
func addShapes(all *variants, lim plan.Limits) error {
	for _, precision := range precisions(lim) {
		add := func(choices plan.Choices, build func(*graph.Builder) *graph.Value) (*plan.Plan, error) {
			b := graph.NewBuilder("shape")
			b.Output("y", build(b))
			g, err := b.Graph()
			if err != nil {
				return nil, err
			}
			p, err := plan.New(g, lim, plan.Options{Family: plan.Tiles, Precision: precision, Choices: choices})
			if err == nil {
				all.add(p, ofShapes)
			}
			return p, err
		}
		ops := []func(*graph.Builder) *graph.Value{normProduct, residualProduct}
		for _, head := range []int{32, 48, 64, 80, 128} {
			ops = append(ops, tied(head), untied(head))
		}
		for _, op := range ops {
			p, err := add(nil, op)
			if err != nil {
				return err
			}
			first := &p.Dispatches[0]
			for _, shape := range plan.Shapes(lim, first) {
				if _, err := add(plan.Choices{first.Kernel.Kernel.Name: shape}, op); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func tokens(b *graph.Builder, name string, channels int) *graph.Value {
	return b.Input(name, graph.F32Type("B", 1, "N", 785, "C", channels))
}

func weight(b *graph.Builder) *graph.Value { return b.Param("w", graph.F32Type("R", 768, "K", 768)) }

func bias(b *graph.Builder) *graph.Value { return b.Param("bias", graph.F32Type("R", 768)) }

func residualProduct(b *graph.Builder) *graph.Value {
	return b.Do(graph.OpLinear, nil, tokens(b, "x", 768), weight(b), bias(b), nil, tokens(b, "residual", 768))
}

func normProduct(b *graph.Builder) *graph.Value {
	return b.Do(graph.OpLinear, graph.Attrs{"eps": 1e-5, "act": graph.ActReLU}, tokens(b, "x", 768), b.Do(graph.OpCentre, nil, weight(b)), bias(b))
}

func tied(head int) func(*graph.Builder) *graph.Value {
	return func(b *graph.Builder) *graph.Value {
		return b.Do(graph.OpMSSA, graph.Attrs{"heads": 2, "scale": 1.0}, tokens(b, "w", 2*head))
	}
}

func untied(head int) func(*graph.Builder) *graph.Value {
	return func(b *graph.Builder) *graph.Value {
		return b.Do(graph.OpMHSA, graph.Attrs{"heads": 2, "scale": 1.0}, tokens(b, "q", 2*head), tokens(b, "k", 2*head), tokens(b, "v", 2*head))
	}
}

package measure

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// tuneKind is a kind of work: the dispatch that stands for it, in its plan.
type tuneKind struct {
	name  string
	plan  *plan.Plan
	d     *plan.Dispatch
	count int   // dispatches of that kind
	flops int64 // of all of them
}

// tuneKinds lists the kinds of the requests' static plans, the dearest first.
func tuneKinds(m inside.Model, requests []readout.Request) ([]*tuneKind, error) {
	var list []*tuneKind
	at := map[string]*tuneKind{}
	for _, r := range requests {
		g, err := readout.Graph(m.Config, r, m.Passes)
		if err != nil {
			return nil, err
		}
		opt := m.Options
		opt.Choices, opt.Disabled = plan.Choices{}, m.Device.Disabled()
		p, err := plan.New(g, m.Device.Limits, opt)
		if err != nil {
			return nil, err
		}
		for i := range p.Dispatches {
			d := &p.Dispatches[i]
			name := plan.Kind(p, d)
			if name == "" {
				continue
			}
			k := at[name]
			if k == nil {
				k = &tuneKind{name: name, plan: p, d: d}
				at[name] = k
				list = append(list, k)
			}
			k.count++
			k.flops += d.FLOPs
		}
	}
	slices.SortStableFunc(list, func(a, b *tuneKind) int { return cmp.Compare(b.flops, a.flops) })
	return list, nil
}

// row is what there is to measure of a kind. A kind with one shape has its choice.
func (k *tuneKind) row(lim plan.Limits) TuneRow {
	row := TuneRow{Kind: k.name, Count: k.count}
	for _, name := range plan.Shapes(lim, k.d) {
		row.Shapes = append(row.Shapes, TuneShape{Name: name})
	}
	if len(row.Shapes) == 1 {
		row.Chosen, row.Gain = row.Shapes[0].Name, 1
	}
	return row
}

// oneOp is the graph of a dispatch's value alone, at full size.
func oneOp(p *plan.Plan, d *plan.Dispatch) (*graph.Graph, error) {
	v := p.Value(d.Value)
	b := graph.NewBuilder("tune")
	static, made := p.Graph.Static(), map[*graph.Value]*graph.Value{}
	var args []*graph.Value
	for i, a := range v.Args {
		if a != nil && made[a] == nil {
			t := a.Type
			if static[a] {
				made[a] = b.Param(fmt.Sprintf("p%d", i), t)
				if graph.Centred(a) { // which products take other kernels for
					made[a] = b.Do(graph.OpCentre, nil, made[a])
				}
			} else {
				made[a] = b.Input(fmt.Sprintf("x%d", i), t)
			}
		}
		args = append(args, made[a])
	}
	b.Output("y", b.Do(v.Op, v.Attrs, args...))
	return b.Graph()
}

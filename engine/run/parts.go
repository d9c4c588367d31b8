package run

import (
	"math"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// part is a dispatch, or some of its workgroups: those of one dispatch don't depend on
// each other, so that they may be in several submissions.
type part struct {
	of         int     // the dispatch
	base, grid [3]int  // workgroups
	last       bool    // behind it all of the dispatch is done
	cost       float64 // as of cost
}

// mostCuts is how many more submissions than dispatches a run may have.
const mostCuts = 64

// mostSegments is into how many submissions a run may be split.
func mostSegments(p *plan.Plan) int {
	cuts := 0
	for i := range p.Dispatches {
		cuts = min(cuts+p.Dispatches[i].Grid[longest(p.Dispatches[i].Grid)]-1, mostCuts)
	}
	return max(1, len(p.Dispatches)+max(0, cuts))
}

// longest is the axis along which a grid has most workgroups.
func longest(grid [3]int) int {
	axis := 0
	for k, n := range grid {
		if n > grid[axis] {
			axis = k
		}
	}
	return axis
}

// cost is what a dispatch takes of a run's time, in FLOPs: it costs something even
// without arithmetic.
func cost(d *plan.Dispatch) float64 { return 1e6 + float64(d.FLOPs) }

// parts are the dispatches in order. One that takes longer than its share of a run in
// so many segments is cut.
func (pr *Program) parts(segments int) []part {
	total := 0.0
	for i := range pr.Plan.Dispatches {
		total += cost(&pr.Plan.Dispatches[i])
	}
	var list []part
	for i := range pr.Plan.Dispatches {
		d := &pr.Plan.Dispatches[i]
		list = append(list, cut(i, d, int(math.Round(cost(d)/total*float64(segments))))...)
	}
	return list
}

// cut cuts dispatch i into n parts at most.
func cut(i int, d *plan.Dispatch, n int) []part {
	axis := longest(d.Grid)
	groups := d.Grid[axis]
	n = max(1, min(n, groups))
	list := make([]part, n)
	for k := range list {
		from, to := groups*k/n, groups*(k+1)/n
		x := part{of: i, grid: d.Grid, last: k == n-1, cost: cost(d) / float64(n)}
		x.base[axis], x.grid[axis] = from, to-from
		list[k] = x
	}
	return list
}

// commands are the calls for some parts. Those of one dispatch need no barrier
// between them.
func (pr *Program) commands(parts []part) []vk.Dispatch {
	list := make([]vk.Dispatch, len(parts))
	for i, x := range parts {
		list[i] = pr.dispatches[x.of]
		list[i].Base, list[i].Grid = x.base, x.grid
		list[i].Barrier = list[i].Barrier && x.base == [3]int{}
	}
	return list
}

// sightsBehind are what links behind a part look at. What is partly written is not
// looked at as numbers.
func (pr *Program) sightsBehind(x part) []sight {
	if x.last && pr.Plan.Completes(x.of) {
		return pr.sights(x.of + 1)
	}
	look := pr.sightOf(pr.Plan.Dispatches[x.of].Written()).atMost(glance)
	look.kind = noNumbers
	return []sight{look}
}

// split is where segments of about the same arithmetic end.
func split(parts []part, segments int) []int {
	total := 0.0
	for _, x := range parts {
		total += x.cost
	}
	var ends []int
	sum := 0.0
	for i, x := range parts {
		sum += x.cost
		// What is cut evenly ends exactly at shares, but for rounding.
		if sum >= total*float64(len(ends)+1)/float64(segments)*(1-1e-9) && len(ends) < segments-1 {
			ends = append(ends, i+1)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] != len(parts) {
		ends = append(ends, len(parts))
	}
	return ends
}

// invocations is how often parts invoke their kernels.
func (pr *Program) invocations(parts []part) (n int64, err error) {
	for _, x := range parts {
		d := &pr.Plan.Dispatches[x.of]
		c, err := d.Constants()
		if err != nil {
			return 0, err
		}
		groups, size := int64(1), d.Kernel.Kernel.Local(c)
		for k, g := range x.grid {
			groups *= int64(g) * int64(size[k])
		}
		n += groups
	}
	return n, nil
}

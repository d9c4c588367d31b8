package prove

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// TestRowsAlongZ runs each kernel whose workgroups follow the rows of a tensor on a
// device that says it allows half as many of them along their axis as the tensor
// needs: the grid goes on along z, and the bits are those of the undivided grid.
func TestRowsAlongZ(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		seen, tested := map[string]bool{}, map[string]bool{}
		for p, d := range plan.Pipelines(variantPlans(t, g.Limits)) {
			_, _, folds := d.Kernel.Kernel.Constant("fold")
			name := fmt.Sprintf("%s of %s", d.Kernel.Name, p.Family)
			if !folds || seen[name] {
				continue
			}
			t.Run(name, func(t *testing.T) { seen[name] = testRowsAlongZ(t, g, p, d) })
			tested[d.Kernel.Kernel.Name] = tested[d.Kernel.Kernel.Name] || seen[name]
		}
		for _, k := range shaders.Manifest() {
			if _, _, folds := k.Constant("fold"); folds && !tested[k.Name] {
				t.Errorf("kernel %s was not tested", k.Name)
			}
		}
	})
}

// testRowsAlongZ returns false where the kernel's case has one workgroup, whatever
// size is asked for.
func testRowsAlongZ(t *testing.T, g *Device, p *plan.Plan, d *plan.Dispatch) bool {
	c, err := d.Constants()
	if err != nil {
		t.Fatal(err)
	}
	kc, err := plan.CaseOf(p, d, plan.CaseSize{Rows: 2*max(c("ROWS"), c("BM"), c("LANES"), c("ROW_LANES")) + 1, Extra: 2})
	if err != nil {
		t.Fatal(err)
	}
	flat, err := plan.New(kc.Graph, g.Limits, kc.Options)
	if err != nil {
		t.Fatal(err)
	}
	folded, ok := foldedPlan(t, flat, kc, d, g.Limits)
	if !ok {
		return false
	}
	inputs, params := caseInputs(kc), RandomParams(kc.Graph)
	var results [2][]float32
	for i, p := range []*plan.Plan{flat, folded} {
		out, err := g.Once(t.Context(), p, params, inputs)
		if err != nil {
			t.Fatal(err)
		}
		results[i] = out["y"].Data
	}
	if !slices.EqualFunc(results[0], results[1], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		t.Error("the results differ")
	}
	return true
}

// foldedPlan plans a case with half the workgroups along x, or along y, whichever the
// kernel's rows lie along.
func foldedPlan(t *testing.T, flat *plan.Plan, kc *plan.Case, d *plan.Dispatch, lim plan.Limits) (_ *plan.Plan, ok bool) {
	of := func(p *plan.Plan) *plan.Dispatch {
		return &p.Dispatches[slices.IndexFunc(p.Dispatches, func(x plan.Dispatch) bool { return x.Kernel == d.Kernel })]
	}
	grid := of(flat).Grid
	if grid == [3]int{1, 1, 1} {
		return nil, false
	}
	for axis := range 2 {
		lim := lim
		lim.MaxWorkgroups[axis] = (grid[axis] + 1) / 2
		if p, err := plan.New(kc.Graph, lim, kc.Options); err == nil && of(p).Grid != grid {
			return p, true
		}
	}
	t.Fatalf("a grid of %v is not divided", grid)
	return nil, false
}

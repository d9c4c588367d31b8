package plan

import "testing"

// TestShapesSuitTheProcessor: whatever the size of a product or a head, neither the planner
// nor tune takes a shape that needs more registers than the processor's row says.
func TestShapesSuitTheProcessor(t *testing.T) {
	for p, r := range processors {
		lim := gpuLimits(20, max(r.Subgroup, 16))
		lim.Processor = p
		for _, rows := range []int{1, 17, 197, 785, 25120} {
			for _, columns := range []int{64, 384, 768, 3072} {
				if s := (linearTiles{}).static(lim, "", rows, columns/4); s.tm*s.tn > r.Block {
					t.Errorf("%q: %s for %d×%d has more outputs than %d an invocation", p, s.name(), rows, columns, r.Block)
				}
			}
		}
		for _, name := range (linearTiles{}).candidates(lim, nil) {
			if s := (linearTiles{}).static(lim, name, 1, 1); s.tm*s.tn > r.Block {
				t.Errorf("%q: tune would measure %s", p, name)
			}
		}
		for quads := 1; quads <= 32; quads++ {
			s, ok := attendUniform{}.static(lim, quads)
			if ok && (s.slice > r.Slice || s.keys > r.Keys || s.chunk > r.Chunk) {
				t.Errorf("%q: %+v for a head of %d quads", p, s, quads)
			}
		}
	}
}

package plan

import "testing"

func gpuLimits(units, subgroup int) Limits {
	lim := BaselineLimits()
	lim.ComputeUnits, lim.Subgroup, lim.Ballot, lim.Shuffle = units, subgroup, true, true
	lim.Processor = RDNA
	lim.MaxInvocations, lim.MaxShared = 1024, 65536
	lim.MaxWorkgroupSize = [3]int{1024, 1024, 1024}
	return lim
}

// TestTileFillsTheDevice chooses tiles for the products of B/8 and S/16.
func TestTileFillsTheDevice(t *testing.T) {
	for _, x := range []struct {
		units, rows, columns int
		want                 string
	}{
		{80, 785, 768, "64x64/8x4"},        // 42 tiles of 128 would leave half of the units idle
		{80, 197, 576, "32x32/4x4"},        // S/16, one image
		{80, 32 * 785, 768, "128x128/8x8"}, // enough work: the cheapest tile
	} {
		if got := (linearTiles{}).static(gpuLimits(x.units, 32), "", x.rows, x.columns/4).name(); got != x.want {
			t.Errorf("%d×%d on %d units: %s, want %s", x.rows, x.columns, x.units, got, x.want)
		}
	}
	narrow := gpuLimits(96, 32)
	narrow.Processor = RDNA3 // an 8×4 block would wait for shared memory
	if got := (linearTiles{}).static(narrow, "", 785, 768/4).name(); got != "64x128/8x8" {
		t.Errorf("785×768 with narrow shared memory: %s", got)
	}
	if got := (linearTiles{}).static(gpuLimits(80, 32), "128x128/16x8", 1, 1).name(); got != "128x128/16x8" {
		t.Errorf("asked for 128x128/16x8, got %s", got)
	}
	if got := (linearTiles{}).static(BaselineLimits(), "", 32*785, 192); !got.fits(BaselineLimits()) {
		t.Errorf("%s does not fit the baseline", got.name())
	}
}

// TestTilesAreExchangeable holds what makes results independent of the batch
// although the tile depends on it: one BK for all shapes.
func TestTilesAreExchangeable(t *testing.T) {
	for _, s := range tiles() {
		if s.bk != tiles()[0].bk {
			t.Errorf("%s steps by %d, %s by %d", s.name(), s.bk, tiles()[0].name(), tiles()[0].bk)
		}
		if s.invocations != (s.bm/s.tm)*(s.bn/s.tn) || s.bm*s.bk%(4*s.invocations) != 0 || s.bn*s.bk%(4*s.invocations) != 0 {
			t.Errorf("%s: %d invocations don't cover the tile", s.name(), s.invocations)
		}
		// The partial row statistics lie where the tiles lay.
		if s.bm*s.bk/4 > s.bk*s.bn {
			t.Errorf("%s: the row statistics don't fit into B's tile", s.name())
		}
	}
}

func TestUniformAttentionShapes(t *testing.T) {
	for _, lanes := range []int{8, 16, 32, 64} {
		for quads := 1; quads <= 64; quads++ {
			s, ok := attendUniform{}.static(gpuLimits(80, lanes), quads)
			if !ok {
				continue
			}
			if s.slice*s.slices != quads || s.slice%s.chunk != 0 || lanes*s.slices*s.splits > 256 {
				t.Errorf("%d quads on subgroups of %d: %+v", quads, lanes, s)
			}
		}
	}
	for _, quads := range []int{8, 9, 12, 16, 20, 32} {
		if _, ok := (attendUniform{}).static(gpuLimits(80, 64), quads); !ok {
			t.Errorf("no shape for %d quads on subgroups of 64", quads)
		}
	}
}

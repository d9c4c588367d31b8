package plan

import "testing"

func cpuLanes(lanes int) Limits {
	lim := BaselineLimits()
	lim.Type, lim.Shuffle, lim.Subgroup = Software, true, lanes
	return lim
}

// TestLanesProducts: the static shape of linear_lanes wastes few rows and leaves
// enough workgroups, for the products of S/16, B/8, a head, and few rows.
func TestLanesProducts(t *testing.T) {
	for _, x := range []struct {
		lanes, rows, columns, wantRows, wantCols int
	}{
		{8, 785, 768, 32, 2},
		{16, 785, 768, 32, 2},
		{8, 197, 576, 29, 2},      // seven tiles: an eighth would be nearly empty
		{16, 197, 576, 50, 1},     // nine panels: one a tile, and four even tiles of rows
		{16, 8 * 197, 576, 48, 1}, // 33 tiles
		{16, 60, 192, 32, 1},      // few workgroups: one quad, and tiles as they are
		{8, 1, 768, 1, 1},
	} {
		s := linearLanes{}.static(cpuLanes(x.lanes), x.rows, x.columns/4).choose("", x.lanes, x.rows, x.columns/4)
		if s.rows != x.wantRows || s.cols != x.wantCols {
			t.Errorf("%d×%d at %d lanes: %d×%d, want %d×%d", x.rows, x.columns, x.lanes, s.rows, s.cols, x.wantRows, x.wantCols)
		}
	}
}

// TestLanesAttention: the static shape of attend_lanes by vector width, tokens
// and size of a head.
func TestLanesAttention(t *testing.T) {
	for _, x := range []struct {
		lanes, tokens, head, wantQueries, wantKeys int
	}{
		{8, 785, 64, 3, 6},
		{8, 197, 48, 5, 4}, // room for 200 queries, not for 216
		{16, 785, 64, 3, 8},
		{4, 785, 64, 5, 4},
		{8, 785, 256, 1, 6}, // a body that still compiles
	} {
		lim := cpuLanes(x.lanes)
		s, ok := attendLanes{}.static(lim, x.tokens, x.head/4).choose("", lim, x.head/4)
		if !ok || s.queries != x.wantQueries || s.keys != x.wantKeys {
			t.Errorf("%d tokens, heads of %d, %d lanes: %d×%d (%v), want %d×%d", x.tokens, x.head, x.lanes, s.queries, s.keys, ok, x.wantQueries, x.wantKeys)
		}
	}
}

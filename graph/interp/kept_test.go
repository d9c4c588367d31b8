package interp

import (
	"slices"
	"testing"
)

// TestKept pins the masks: they are part of what a run writes, and may not
// differ between machines and versions.
func TestKept(t *testing.T) {
	for _, c := range []struct {
		n, count, seed int
		want           []int
	}{
		{9, 0, 0, nil},
		{9, 9, 0, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{16, 4, 0, []int{1, 5, 7, 14}},
		{16, 4, 1, []int{6, 7, 8, 12}},
		{16, 4, -1, []int{3, 4, 5, 7}},
	} {
		var got []int
		for i, x := range Kept(c.n, c.count, c.seed) {
			if x == 1 {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d of %d patches, seed %d: kept %v, want %v", c.count, c.n, c.seed, got, c.want)
		}
	}
	// Every patch is hidden about as often as another.
	times := make([]int, 20)
	for seed := range 2000 {
		for i, x := range Kept(20, 5, seed) {
			times[i] += int(x)
		}
	}
	if low, high := slices.Min(times), slices.Max(times); low < 420 || high > 580 {
		t.Errorf("patches are kept %d to %d times in 2000 masks of a quarter, want about 500", low, high)
	}
}

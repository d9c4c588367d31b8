package measure

import (
	"testing"
	"time"
)

// TestEnough: when Bench stops timing, by each way of saying how long.
func TestEnough(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name string
		o    BenchOptions
		runs int // of one second each
		took time.Duration
		want bool
	}{
		{"repeat, one short", BenchOptions{Repeat: 5}, 4, 100 * s, false},
		{"repeat", BenchOptions{Repeat: 5}, 5, s, true},
		{"repeat counts before the others", BenchOptions{Repeat: 1, MinRuns: 9, MinTime: 9 * s}, 1, s, true},
		{"too few runs", BenchOptions{MinRuns: 1024, MinTime: 60 * s}, 1023, 600 * s, false},
		{"too short", BenchOptions{MinRuns: 1024, MinTime: 60 * s}, 5000, 59 * s, false},
		{"runs and time", BenchOptions{MinRuns: 1024, MinTime: 60 * s}, 1024, 60 * s, true},
		{"runs alone, whatever the budget", BenchOptions{MinRuns: 10, Budget: s}, 9, 90 * s, false},
		{"time alone", BenchOptions{MinTime: 2 * s}, 2, 2 * s, true},
		{"budget, at least three", BenchOptions{Budget: s}, 2, 20 * s, false},
		{"budget is kept by the next run", BenchOptions{Budget: 4 * s}, 3, 3*s + 1, true},
		{"budget has room for the next run", BenchOptions{Budget: 4 * s}, 3, 3 * s, false},
		{"ten seconds where nothing is said", BenchOptions{}, 8, 8 * s, false},
		{"ten seconds and no more", BenchOptions{}, 10, 10 * s, true},
	} {
		runs := make([]time.Duration, c.runs)
		for i := range runs {
			runs[i] = s
		}
		if got := c.o.enough(runs, c.took); got != c.want {
			t.Errorf("%s: %d runs in %v are enough: %t, want %t", c.name, c.runs, c.took, got, c.want)
		}
	}
}

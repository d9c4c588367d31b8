// Package stats has the statistics of what was timed: percentiles of runs, and
// whether two sets of runs differ by more than their noise.
package stats

import (
	"math"
	"slices"
)

// Quantile is the value below which a share q, from 0 to 1, of a sorted list
// lies, interpolated between neighbours as numpy.quantile does by default. It is
// NaN of an empty list.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// Summary has the percentiles of a list, in its unit.
type Summary struct{ Median, P5, P90, P95, P99 float64 }

// Summarise takes the percentiles of a list in any order, which it leaves as it is.
func Summarise(list []float64) Summary {
	s := slices.Sorted(slices.Values(list))
	return Summary{Quantile(s, 0.5), Quantile(s, 0.05), Quantile(s, 0.9), Quantile(s, 0.95), Quantile(s, 0.99)}
}

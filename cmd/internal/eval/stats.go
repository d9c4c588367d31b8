package eval

import (
	"math"
	"slices"
)

// meanOr is the mean of values, and none if there are none.
func meanOr(values []float64, none float64) float64 {
	if len(values) == 0 {
		return none
	}
	return sum(values) / float64(len(values))
}

// sum keeps what each addition rounds away (Neumaier), so that the mean of a
// thousand equal values is that value.
func sum(values []float64) float64 {
	total, lost := 0.0, 0.0
	for _, v := range values {
		t := total + v
		if math.Abs(total) >= math.Abs(v) {
			lost += (total - t) + v
		} else {
			lost += (v - t) + total
		}
		total = t
	}
	return total + lost
}

// Summary is what is told of one value an image. Without images all is 0.
type Summary struct {
	Mean          float64    `json:"mean"`
	StandardError float64    `json:"standard_error"` // of the mean; 0 for a single image
	Median        float64    `json:"median"`         // the mean of the middle two of an even number
	Quartiles     [2]float64 `json:"quartiles"`      // linear between values, as numpy's quantile
}

// Summarize needs finite values; their order doesn't matter.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	s := Summary{
		Mean:      meanOr(sorted, 0),
		Median:    quantile(sorted, 0.5),
		Quartiles: [2]float64{quantile(sorted, 0.25), quantile(sorted, 0.75)},
	}
	if n := float64(len(sorted)); n > 1 {
		squares := 0.0
		for _, v := range sorted {
			squares += float64((v - s.Mean) * (v - s.Mean))
		}
		s.StandardError = math.Sqrt(squares / (n - 1) / n)
	}
	return s
}

// quantile is linear between the values of a sorted list.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + float64((at-float64(low))*(sorted[high]-sorted[low]))
}

// HistogramBins is the number of bins of Histogram.
const HistogramBins = 20

// Histogram counts values of 0 to 1 in bins of 0.05. A bin has its lower end, the
// last one both.
func Histogram(values []float64) [HistogramBins]int {
	var bins [HistogramBins]int
	for _, v := range values {
		bins[min(max(int(v*HistogramBins), 0), HistogramBins-1)]++
	}
	return bins
}

package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// FewestRuns is the shortest list from which an interval of 95 % can be told: of
// two equal lists of six independent runs RatioOfMedians says in 14 % of the cases
// that they differ, of ten in 10 %, of fifteen in 5 to 8 % (TestCoverage).
const FewestRuns = 15

// resamples of a bootstrap: 50 of them lie beyond each end of the interval.
const resamples = 2000

// Ratio is the median of new runs ÷ the median of old ones, and the interval
// that holds the true ratio with a confidence of 95 %.
type Ratio struct{ Value, Low, High float64 }

// RatioOfMedians compares two lists of times, each in the order in which they
// were taken, by a bootstrap: from each list it draws lists of the same length
// again and again, and the interval spans 95 % of the ratios of their medians.
//
// Successive runs resemble each other, because a busy moment of the machine lasts
// longer than one run. So what is drawn is not single runs but blocks of ∛n
// successive ones, the list taken as a ring (the circular block bootstrap). Its
// random numbers have a fixed seed: the same lists give the same interval.
func RatioOfMedians(old, new []float64) Ratio {
	draw := rand.New(rand.NewPCG(2023, 95))
	a, b := newRanked(old), newRanked(new)
	ratios := make([]float64, resamples)
	for i := range ratios {
		o := a.resampledMedian(draw)
		ratios[i] = b.resampledMedian(draw) / o
	}
	slices.Sort(ratios)
	return Ratio{Summarise(new).Median / Summarise(old).Median, Quantile(ratios, 0.025), Quantile(ratios, 0.975)}
}

// ranked is a list with the place of each element in its sorted order: the median
// of a resample is found by counting, without sorting again.
type ranked struct {
	sorted []float64
	rank   []int // of the element at this place of the list
	counts []int // of each rank in a resample
	block  int
}

func newRanked(list []float64) *ranked {
	n := len(list)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(list[i], list[j]) })
	r := &ranked{make([]float64, n), make([]int, n), make([]int, n), int(math.Ceil(math.Cbrt(float64(n))))}
	for place, i := range order {
		r.sorted[place], r.rank[i] = list[i], place
	}
	return r
}

// resampledMedian draws blocks until it has as many elements as the list.
func (r *ranked) resampledMedian(draw *rand.Rand) float64 {
	clear(r.counts)
	n := len(r.rank)
	for left := n; left > 0; {
		start := draw.IntN(n)
		for k := range min(r.block, left) {
			r.counts[r.rank[(start+k)%n]]++
		}
		left -= min(r.block, left)
	}
	return (r.nth((n-1)/2) + r.nth(n/2)) / 2
}

// nth is the element of the resample that has n smaller ones.
func (r *ranked) nth(n int) float64 {
	seen := 0
	for rank, count := range r.counts {
		if seen += count; seen > n {
			return r.sorted[rank]
		}
	}
	return math.NaN()
}

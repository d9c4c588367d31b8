package chart

import (
	"math"
	"strconv"
	"strings"
)

// axis maps values to pixels and has ticks at round ones.
type axis struct {
	low, high float64 // the first and the last value shown
	from, to  float64 // their pixels
	ticks     []float64
	decimals  int // of the ticks' labels; −1 for powers of ten
}

// newAxis spans at least low to high, with up to about most ticks at 1, 2 or 5
// times a power of ten, whole numbers if asked for. With round it ends at ticks.
func newAxis(low, high float64, most int, whole, round bool) axis {
	if !(low <= high) { // nothing to show
		low, high = 0, 1
	}
	// Below a billionth of the values themselves there is nothing to tell apart,
	// and ticks would fall together.
	if size := max(math.Abs(low), math.Abs(high)); high-low <= size*1e-9 {
		pad := size * 0.1
		if size == 0 {
			pad = 0.5
		}
		low, high = low-pad, high+pad
	}
	step := niceStep((high - low) / float64(most))
	if whole {
		step = max(step, 1)
	}
	first, last := math.Ceil(low/step-1e-9), math.Floor(high/step+1e-9)
	if round {
		first, last = math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
		low, high = first*step, last*step
	}
	a := axis{low: low, high: high}
	for k := first; k <= last; k++ {
		a.ticks = append(a.ticks, k*step+0) // −0 + 0 is 0
	}
	a.decimals = max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	if size := max(math.Abs(low), math.Abs(high)); size >= 1e7 || step < 1e-5 {
		a.decimals = -1
	}
	return a
}

// niceStep is the smallest of 1, 2 and 5 times a power of ten that is at least x.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// at is the pixel of a value.
func (a axis) at(v float64) float64 {
	return a.from + float64((v-a.low)/(a.high-a.low)*(a.to-a.from)) // never fused: the same bytes everywhere
}

// label prints a tick.
func (a axis) label(v float64) string {
	text := strconv.FormatFloat(v, 'f', max(a.decimals, 0), 64)
	if a.decimals < 0 {
		text = strings.NewReplacer("e+0", "e", "e+", "e", "e-0", "e-").Replace(strconv.FormatFloat(v, 'g', 4, 64))
	}
	return strings.ReplaceAll(text, "-", "−")
}

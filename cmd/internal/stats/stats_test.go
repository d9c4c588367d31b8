package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQuantile holds values that numpy.quantile gives.
func TestQuantile(t *testing.T) {
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 100}
	for _, c := range []struct {
		list    []float64
		q, want float64
	}{
		{[]float64{7}, 0.99, 7},
		{[]float64{1, 2}, 0.5, 1.5},
		{[]float64{1, 2, 4}, 0.5, 2},
		{[]float64{1, 2, 4}, 0, 1},
		{[]float64{1, 2, 4}, 1, 4},
		{ten, 0.05, 1.45},
		{ten, 0.9, 18.1},
		{ten, 0.95, 59.05},
		{ten, 0.99, 91.81},
	} {
		if got := Quantile(c.list, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("the quantile %g of %v is %g, want %g", c.q, c.list, got, c.want)
		}
	}
	if got := Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %g", got)
	}
}

// TestSummarise: the list's order says when each run was taken, and has to stay.
func TestSummarise(t *testing.T) {
	list := []float64{3, 1, 100, 2, 4, 5, 9, 8, 7, 6}
	was := slices.Clone(list)
	want := Summary{5.5, 1.45, 18.1, 59.05, 91.81}
	got := Summarise(list)
	for _, d := range []float64{got.Median - want.Median, got.P5 - want.P5, got.P90 - want.P90, got.P95 - want.P95, got.P99 - want.P99} {
		if math.Abs(d) > 1e-9 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if !slices.Equal(list, was) {
		t.Errorf("the list was sorted: %v", list)
	}
}

// series are n times around a median, each partly like the one before it.
func series(draw *rand.Rand, n int, median, like float64) []float64 {
	list := make([]float64, n)
	x := draw.NormFloat64()
	for i := range list {
		x = like*x + math.Sqrt(1-like*like)*draw.NormFloat64()
		list[i] = median * math.Exp(0.1*x)
	}
	return list
}

// TestRatioOfMedians holds the interval against what is known of it.
func TestRatioOfMedians(t *testing.T) {
	if got := RatioOfMedians([]float64{2, 2, 2, 2, 2, 2}, []float64{3, 3, 3, 3, 3, 3}); got != (Ratio{1.5, 1.5, 1.5}) {
		t.Errorf("constants give %v, want 1.5 without any doubt", got)
	}
	draw := rand.New(rand.NewPCG(1, 2))
	old, new := series(draw, 60, 10, 0), series(draw, 60, 12, 0)
	got := RatioOfMedians(old, new)
	if got != RatioOfMedians(old, new) {
		t.Error("the same lists give two intervals")
	}
	if got.Low <= 1 || got.High >= 1.5 || got.Value < got.Low || got.Value > got.High {
		t.Errorf("a fifth slower, with a tenth of noise, gives %v", got)
	}
	back := RatioOfMedians(new, old)
	if math.Abs(back.Value*got.Value-1) > 1e-12 || back.High >= 1 {
		t.Errorf("the other way round gives %v", back)
	}
}

// TestCoverage: how often two lists of one distribution are said to differ. Of
// independent runs it should be 5 %. Where each run is like the one before, as on
// a busy machine, any bootstrap says so more often, and one of single runs (a
// block of 1) in two fifths of the cases.
func TestCoverage(t *testing.T) {
	for _, c := range []struct {
		runs int
		like float64
		most int // of 200 pairs
	}{{FewestRuns, 0, 16}, {40, 0, 16}, {40, 0.6, 36}} {
		draw, wrong := rand.New(rand.NewPCG(3, 4)), 0
		for range 200 {
			r := RatioOfMedians(series(draw, c.runs, 10, c.like), series(draw, c.runs, 10, c.like))
			if r.Low > 1 || r.High < 1 {
				wrong++
			}
		}
		t.Logf("%d runs, likeness %g: %d of 200 equal pairs are said to differ", c.runs, c.like, wrong)
		if wrong > c.most || wrong == 0 {
			t.Errorf("%d runs, likeness %g: %d of 200 equal pairs are said to differ, want 1 to %d", c.runs, c.like, wrong, c.most)
		}
	}
}

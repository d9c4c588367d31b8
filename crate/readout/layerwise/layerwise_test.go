package layerwise

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestSylvester compares with the published n×n form, ½ Σ logdet(I + α·ŵŵᵀ).
func TestSylvester(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range [][3]int{{17, 2, 4}, {5, 3, 8}, {40, 1, 6}} {
		n, heads, p := s[0], s[1], s[2]
		w := make([]float32, n*heads*p)
		for i := range w {
			w[i] = float32(r.NormFloat64())
		}
		want := 0.0
		for k := range heads {
			unit := mat.NewDense(n, p, nil)
			for i := range n {
				norm := 0.0
				for e := range p {
					norm += math.Pow(float64(w[i*heads*p+k*p+e]), 2)
				}
				for e := range p {
					unit.Set(i, e, float64(w[i*heads*p+k*p+e])/math.Sqrt(norm))
				}
			}
			var g mat.Dense
			g.Mul(unit, unit.T())
			g.Scale(float64(p)/(float64(n)*0.01), &g)
			for i := range n {
				g.Set(i, i, g.At(i, i)+1)
			}
			det, _ := mat.LogDet(&g)
			want += det / 2
		}
		if got := CodingRate(w, n, heads); math.Abs(got-want) > 1e-10*want {
			t.Errorf("%v: %v, want %v", s, got, want)
		}
	}
	if got := CodingRate(make([]float32, 8), 2, 1); !math.IsNaN(got) {
		t.Errorf("rows of zeros have a rate of %v, want NaN", got)
	}
}

func TestSeries(t *testing.T) {
	s := Series{1, 2, 4}
	for name, v := range map[string]struct{ got, want float64 }{
		"mean": {s.Mean(), 7.0 / 3}, "unbiased": {s.Deviation(), math.Sqrt(7.0 / 3)}, "biased": {s.PopulationDeviation(), math.Sqrt(14.0 / 9)},
		"of equal values": {Series{5, 5, 5}.Deviation(), 0}, "of one image": {Series{3}.Deviation(), 0}} {
		if math.Abs(v.got-v.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, v.got, v.want)
		}
	}
	if got := (Series{}).Mean(); !math.IsNaN(got) {
		t.Errorf("the mean of nothing is %v, want NaN", got)
	}
}

func BenchmarkCodingRate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	w := make([]float32, 785*768)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	for b.Loop() {
		CodingRate(w, 785, 12)
	}
}

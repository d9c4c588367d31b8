package maskcut

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// scene draws features [rows·columns d] of a kind of picture.
type scene struct {
	name          string
	rows, columns int
	d             int
	features      []float32
}

// regions gives each patch the direction of its region, with noise, and some
// regions a common part, so that similarities lie on both sides of τ.
func regions(r *rand.Rand, rows, columns, d int, noise float64, region func(y, x int) int) []float32 {
	directions := make([][]float64, 16)
	common := make([]float64, d)
	for c := range common {
		common[c] = r.NormFloat64()
	}
	for k := range directions {
		directions[k] = make([]float64, d)
		share := r.Float64()
		for c := range d {
			directions[k][c] = r.NormFloat64() + share*common[c]
		}
	}
	f := make([]float32, rows*columns*d)
	for i := range rows * columns {
		k := region(i/columns, i%columns)
		for c := range d {
			f[i*d+c] = float32(directions[k][c] + noise*r.NormFloat64())
		}
	}
	return f
}

func blobs(r *rand.Rand, rows, columns int) func(y, x int) int {
	type blob struct{ y, x, size float64 }
	list := make([]blob, 1+r.IntN(5))
	for i := range list {
		list[i] = blob{r.Float64() * float64(rows), r.Float64() * float64(columns), 0.8 + r.Float64()*float64(min(rows, columns))/3}
	}
	return func(y, x int) int {
		for i, b := range list {
			if math.Hypot(float64(y)-b.y, float64(x)-b.x) < b.size {
				return i + 1
			}
		}
		return 0
	}
}

// mirror copies the left half of a grid to the right.
func mirror(f []float32, columns, d int) {
	for i := range len(f) / d {
		if x := i % columns; x >= columns/2 {
			copy(f[i*d:(i+1)*d], f[(i-x+columns-1-x)*d:])
		}
	}
}

func scenes(count int) []scene {
	r := rand.New(rand.NewPCG(4, 4))
	var list []scene
	for i := range count {
		s := scene{rows: 3 + r.IntN(8), columns: 3 + r.IntN(8), d: 2 + r.IntN(12)}
		switch {
		case i%50 == 0:
			s.rows, s.columns = 20, 20
		case i%10 == 0:
			s.rows, s.columns = 10+r.IntN(6), 10+r.IntN(6)
		case i%17 == 0:
			s.rows, s.columns = 1, 4+r.IntN(20)
		}
		noise := []float64{0, 0.1, 0.5, 1, 3}[r.IntN(5)]
		kind := []string{"blobs", "frame", "noise", "mirrored", "stripes"}[i%5]
		region := blobs(r, s.rows, s.columns)
		switch kind {
		case "frame":
			border := 1 + r.IntN(2)
			region = func(y, x int) int {
				if y < border || x < border || y >= s.rows-border || x >= s.columns-border {
					return 0
				}
				return 1
			}
		case "noise":
			region, noise = func(y, x int) int { return 0 }, 2
		case "stripes":
			region = func(y, x int) int { return (x + y/3) / 2 % 16 }
		}
		s.features = regions(r, s.rows, s.columns, s.d, noise, region)
		if kind == "mirrored" {
			mirror(s.features, s.columns, s.d)
		}
		s.name = fmt.Sprintf("%d %s %d×%d×%d noise %g", i, kind, s.rows, s.columns, s.d, noise)
		list = append(list, s)
	}
	return list
}

// TestReference holds MaskCut against the dense program of numerics 4.4, on every
// case that rounding can't decide.
func TestReference(t *testing.T) {
	count := 300
	if testing.Short() {
		count = 100
	}
	compared, ties := 0, 0
	for _, s := range scenes(count) {
		const patch = 2
		want, clear := reference(t, s.features, s.rows, s.columns, s.d, patch, 3, Tau)
		if !clear {
			continue
		}
		compared++
		a, err := NewAffinity(s.features, s.rows*s.columns, s.d, Tau)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := a.Objects(s.rows, s.columns, Options{Objects: 3})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]int, len(want))
		for k, o := range objects {
			for i, on := range readout.Enlarge(o.Cells, s.columns, patch) {
				if on {
					got[i] = k + 1
				}
			}
			if o.Cut.Residual > 1e-12 {
				t.Errorf("%s: object %d: residual %g", s.name, k, o.Cut.Residual)
			}
			top := slices.Max(o.Cut.Vector)
			if at := slices.IndexFunc(o.Cut.Vector, func(x float64) bool { return math.Abs(x) >= (1-tie)*top }); at >= 0 &&
				slices.ContainsFunc(o.Cut.Vector[at+1:], func(x float64) bool { return math.Abs(x) >= (1-tie)*top }) {
				ties++
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: labels differ\n got %v\nwant %v", s.name, got, want)
		}
	}
	t.Logf("%d of %d cases compared, %d solves tied at the maximum", compared, count, ties)
	if compared < count*2/3 {
		t.Errorf("only %d of %d cases were compared", compared, count)
	}
}

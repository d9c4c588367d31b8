package maskcut

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// hardCases are affinities whose spectrum is dense or clustered below the
// answer.
func hardCases() map[string]*Affinity {
	cases := map[string]*Affinity{}
	for _, d := range []int{2, 16, 64, 384} {
		r := rand.New(rand.NewPCG(60, uint64(d)))
		f := make([]float32, 1500*d)
		for i := range f {
			f[i] = float32(r.NormFloat64())
		}
		a, err := NewAffinity(f, 1500, d, Tau)
		if err != nil {
			panic(err)
		}
		cases[fmt.Sprintf("noise of %d channels", d)] = a
	}
	// Parts that aren't connected, of about equal sizes: eigenvalues 1e-5 apart.
	parts := &Affinity{N: 1000, Words: Words(1000), Bits: make([]uint32, 1000*Words(1000))}
	part := func(i int) int { return int(math.Sqrt(float64(i)*90)) / 30 }
	for i := range parts.N {
		for j := range parts.N {
			if part(i) == part(j) && (i+j)%7 != 0 || i == j {
				parts.set(i, j)
			}
		}
	}
	cases["parts"] = parts
	// A ring: pairs of equal eigenvalues, a dense spectrum, and many restarts.
	ring := &Affinity{N: 700, Words: Words(700), Bits: make([]uint32, 700*Words(700))}
	for i := range ring.N {
		for k := range 3 {
			ring.set(i, (i+k)%ring.N)
			ring.set((i+k)%ring.N, i)
		}
	}
	cases["ring"] = ring
	return cases
}

// TestResidual measures the solver's answers by their residual, in a plain
// product of the test's own.
func TestResidual(t *testing.T) {
	for name, a := range hardCases() {
		painted := make([]bool, a.N)
		for i := range a.N / 5 {
			painted[i*3] = true
		}
		for _, p := range [][]bool{nil, painted} {
			cut, err := a.Cut(p)
			if err != nil {
				t.Fatal(err)
			}
			live := func(i int) bool { return p == nil || !p[i] }
			degree := make([]float64, a.N)
			product := make([]float64, a.N)
			for i := range a.N {
				for j := range a.N {
					w := 1e-5
					if live(i) && live(j) && a.At(i, j) {
						w = 1
					}
					degree[i] += w
					product[i] += w * cut.Vector[j]
				}
			}
			residual, norm, top := 0.0, 0.0, 0.0
			for i, x := range cut.Vector {
				r := (product[i] - (1-cut.Lambda)*degree[i]*x) / math.Sqrt(degree[i])
				residual += r * r
				norm += degree[i] * x * x
				top += degree[i] * x
			}
			if residual = math.Sqrt(residual); residual > 1e-12 || cut.Residual > 1e-12 {
				t.Errorf("%s: residual %g, the solver says %g", name, residual, cut.Residual)
			}
			if math.Abs(norm-1) > 1e-12 || math.Abs(top) > 1e-11 {
				t.Errorf("%s: vᵀDv is %v, vᵀD1 is %g", name, norm, top)
			}
			t.Logf("%s: λ %.9f, %d products, residual %.1g", name, cut.Lambda, cut.Products, residual)
		}
	}
}

// Equal rows of A give equal entries, to the last bit, even through restarts.
func TestEqualRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 30 {
		n, d := 200+r.IntN(200), 12
		kinds := 150
		directions := make([]float32, kinds*d)
		for i := range directions {
			directions[i] = float32(r.NormFloat64())
		}
		f := make([]float32, n*d)
		for i := range n {
			k := r.IntN(kinds)
			copy(f[i*d:(i+1)*d], directions[k*d:])
		}
		a, err := NewAffinity(f, n, d, Tau)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := a.Cut(nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for j := range i {
				if slices.Equal(a.Bits[i*a.Words:(i+1)*a.Words], a.Bits[j*a.Words:(j+1)*a.Words]) && cut.Vector[i] != cut.Vector[j] {
					t.Fatalf("rows %d and %d are equal, their entries %v and %v", i, j, cut.Vector[i], cut.Vector[j])
				}
			}
		}
	}
}

// The number of cores changes nothing.
func TestCores(t *testing.T) {
	f, rows, columns, d := picture60(2)
	a, err := NewAffinity(f[:1600*d], 1600, d, Tau)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = rows, columns
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first *Cut
	for _, cores := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(cores)
		again, err := NewAffinity(f[:1600*d], 1600, d, Tau)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.Bits, a.Bits) {
			t.Errorf("the affinity differs on %d cores", cores)
		}
		cut, err := a.Cut(nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = cut
		} else if !slices.Equal(cut.Vector, first.Vector) {
			t.Errorf("the vector differs on %d cores", cores)
		}
	}
}

func TestRefusals(t *testing.T) {
	a, err := NewAffinity(make([]float32, 12), 6, 2, Tau)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  func() error
		want string
	}{
		{func() error { _, err := NewAffinity(make([]float32, 11), 6, 2, Tau); return err }, "11 numbers"},
		{func() error { _, err := NewAffinity(make([]float32, 12), 6, 2, -0.1); return err }, "τ is -0.1"},
		{func() error { _, err := NewAffinity(make([]float32, 12), 6, 2, math.NaN()); return err }, "τ is NaN"},
		{func() error { _, err := FromWords(33, make([]uint32, 33)); return err }, "33 words, want 66"},
		{func() error { _, err := FromWords(2, []uint32{3, 4}); return err }, "row 1"},
		{func() error { _, err := a.Cut(make([]bool, 5)); return err }, "want 6 patches"},
		{func() error { _, err := a.Objects(2, 2, Options{Objects: 1}); return err }, "2 × 2"},
		{func() error { _, err := a.Objects(2, 3, Options{}); return err }, "0 objects"},
		{func() error { _, err := ParseMode("loose"); return err }, "want reference or strict"},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

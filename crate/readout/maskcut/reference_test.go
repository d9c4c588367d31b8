package maskcut

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// reference is MaskCut written down from numerics 4.4 with dense matrices, pixels
// and no shortcuts. It reports whether its decisions were clear: eigenvalues
// apart by more than 1e-6, and no entry so close to the mean or to the largest
// that rounding could decide.
func reference(t *testing.T, features []float32, rows, columns, d, patch, objects int, tau float64) (labels []int, clear bool) {
	t.Helper()
	n := rows * columns
	width, height := columns*patch, rows*patch
	f := make([]float64, n*d)
	for i, x := range features {
		f[i] = float64(x)
	}
	painting, current := make([]float64, n), make([]float64, n)
	var stored [][]float64
	clear = true
	for i := range objects {
		if i > 0 {
			for j := range painting {
				if painting[j]+current[j] > 0 {
					painting[j] = 1
					for c := range d {
						f[j*d+c] = 0
					}
				}
			}
		}
		v, apart := denseCut(t, denseAffinity(f, n, d, tau))
		m, sure := denseObject(v, rows, columns)
		clear = clear && apart && sure
		if i >= 1 {
			inter, union, sum := 0.0, 0.0, 0.0
			for j := range m {
				inter += min(m[j], current[j])
				union += max(m[j], current[j])
				sum += m[j]
			}
			if inter/union > 0.5 || sum/float64(n) <= 0.01 {
				m = make([]float64, n)
			}
		}
		current = m
		up := make([]float64, width*height)
		for y := range height {
			for x := range width {
				up[y*width+x] = m[y/patch*columns+x/patch]
				for _, s := range stored {
					up[y*width+x] -= s[y*width+x]
				}
				up[y*width+x] = max(0, up[y*width+x])
			}
		}
		stored = append(stored, up)
	}
	labels = make([]int, width*height)
	k := 0
	for _, s := range stored {
		any := false
		for j, on := range s {
			if on > 0 {
				if !any {
					any, k = true, k+1
				}
				labels[j] = k
			}
		}
	}
	return labels, clear
}

func denseAffinity(f []float64, n, d int, tau float64) *mat.SymDense {
	unit := make([]float64, len(f))
	for j := range n {
		norm := 0.0
		for _, x := range f[j*d : (j+1)*d] {
			norm += x * x
		}
		norm = max(math.Sqrt(norm), 1e-12)
		for c := range d {
			unit[j*d+c] = f[j*d+c] / norm
		}
	}
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			g := 0.0
			for c := range d {
				g += unit[i*d+c] * unit[j*d+c]
			}
			if g > tau {
				a.SetSym(i, j, 1)
			} else {
				a.SetSym(i, j, 1e-5)
			}
		}
	}
	return a
}

// denseCut solves (D − A)v = λDv, scaled to vᵀDv = 1, with v's first entry of
// largest magnitude positive.
func denseCut(t *testing.T, a *mat.SymDense) (v []float64, apart bool) {
	t.Helper()
	n := a.SymmetricDim()
	d := make([]float64, n)
	for i := range n {
		for j := range n {
			d[i] += a.At(i, j)
		}
	}
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, a.At(i, j)/math.Sqrt(d[i]*d[j]))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(s, true) {
		t.Fatal("the dense problem has no eigenvalues")
	}
	values := e.Values(nil)
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	v = make([]float64, n)
	for i := range v {
		v[i] = vectors.At(i, n-2) / math.Sqrt(d[i])
	}
	top := 0.0
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	for _, x := range v {
		if math.Abs(x) >= (1-1e-9)*top {
			if x < 0 {
				for i := range v {
					v[i] = -v[i]
				}
			}
			break
		}
	}
	apart = values[n-1]-values[n-2] > 1e-6 && (n < 3 || values[n-2]-values[n-3] > 1e-6)
	return v, apart
}

func denseObject(v []float64, rows, columns int) (m []float64, sure bool) {
	n := len(v)
	mean, top, least := 0.0, 0.0, 0.0
	for _, x := range v {
		mean += x / float64(n)
		top, least = max(top, math.Abs(x)), min(least, x)
	}
	// close reports that a difference is neither a tie nor a clear one.
	close := func(difference float64) bool {
		return math.Abs(difference) > 1e-10*top && math.Abs(difference) < 1e-8*top
	}
	sure = true
	bip := make([]bool, n)
	seed := -1
	for i, x := range v {
		bip[i] = x-mean > 1e-9*top
		if seed < 0 && math.Abs(x) >= (1-1e-9)*top {
			seed = i
		}
		sure = sure && !close(x-mean) && !close(math.Abs(x)-top) && !close(x-least)
	}
	corners := 0
	for _, c := range []int{0, columns - 1, n - columns, n - 1} {
		if bip[c] {
			corners++
		}
	}
	reverse := !bip[seed]
	if corners >= 3 {
		reverse = true
	}
	if reverse {
		for i := range bip {
			bip[i] = !bip[i]
		}
		for i, x := range v {
			if -x >= (1-1e-9)*-least {
				seed = i
				break
			}
		}
	}
	m = make([]float64, n)
	var grow func(y, x int)
	grow = func(y, x int) {
		if y < 0 || x < 0 || y >= rows || x >= columns || !bip[y*columns+x] || m[y*columns+x] > 0 {
			return
		}
		m[y*columns+x] = 1
		grow(y-1, x)
		grow(y+1, x)
		grow(y, x-1)
		grow(y, x+1)
	}
	grow(seed/columns, seed%columns)
	return m, sure
}

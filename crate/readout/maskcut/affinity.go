package maskcut

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/crate-vk/crate-vk/crate/readout/internal/cores"
)

// Tau is the published threshold of MaskCut; TokenCut's is TauTokenCut.
const (
	Tau         = 0.15
	TauTokenCut = 0.2

	PublishedObjects = 3 // of MaskCut, an image
)

// Affinity says which patches are alike: bit j of row i is set iff the cosine
// of their features exceeds τ. It is symmetric, with a set diagonal but for
// patches whose feature is zero.
type Affinity struct {
	N     int
	Words int      // 32-bit words of a row: N/32, rounded up
	Bits  []uint32 // [N Words]; bit j mod 32 of word j/32 of row i, 0 beyond N
}

// Words is the number of 32-bit words of a row of n bits.
func Words(n int) int { return (n + 31) / 32 }

// FromWords wraps a bit matrix that was computed elsewhere.
func FromWords(n int, words []uint32) (*Affinity, error) {
	w := Words(n)
	if n < 1 || len(words) != n*w {
		return nil, fmt.Errorf("maskcut: a bit matrix of %d patches has %d words, want %d", n, len(words), n*w)
	}
	a := &Affinity{n, w, words}
	if n%32 != 0 {
		for i := range n {
			if last := words[i*w+w-1]; last>>(n%32) != 0 {
				return nil, fmt.Errorf("maskcut: row %d of the bit matrix has bits beyond %d patches", i, n)
			}
		}
	}
	return a, nil
}

// At reports that patches i and j are alike.
func (a *Affinity) At(i, j int) bool { return a.Bits[i*a.Words+j/32]>>(j%32)&1 != 0 }

// NewAffinity compares n features of d channels, float32 rows without prefix
// tokens, in float64:
//
//	f_j = F_j / max(‖F_j‖, 1e-12),  G = f·fᵀ,  bit (i, j) = G_ij > τ
//
// It is the definition; the graph op affinity_bits is the same on a device.
func NewAffinity(features []float32, n, d int, tau float64) (*Affinity, error) {
	if n < 1 || d < 1 || len(features) != n*d {
		return nil, fmt.Errorf("maskcut: %d numbers are no %d features of %d channels", len(features), n, d)
	}
	if err := checkTau(tau); err != nil {
		return nil, err
	}
	a := &Affinity{n, Words(n), make([]uint32, n*Words(n))}
	a.fill(unitRows(features, n, d), tau)
	return a, nil
}

// checkTau refuses thresholds at which a painted patch, whose products are 0,
// would be like all others.
func checkTau(tau float64) error {
	if !(tau >= 0 && tau < 1) {
		return fmt.Errorf("maskcut: τ is %g, want at least 0 and below 1", tau)
	}
	return nil
}

func unitRows(features []float32, n, d int) blas64.General {
	f := blas64.General{Rows: n, Cols: d, Stride: d, Data: make([]float64, n*d)}
	cores.Ranges(n, 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row, sum := f.Data[i*d:(i+1)*d], 0.0
			for c, x := range features[i*d : (i+1)*d] {
				row[c] = float64(x)
				sum += float64(row[c] * row[c])
			}
			norm := max(math.Sqrt(sum), 1e-12)
			for c := range row {
				row[c] /= norm
			}
		}
	})
	return f
}

// fill computes the products of all pairs of patches, tile by tile. The matrix is
// symmetric, so only tiles on and above the diagonal are computed, and each product
// above τ sets two bits, (i, j) and (j, i).
func (a *Affinity) fill(f blas64.General, tau float64) {
	const side = 8 * 32
	rows := func(i int) blas64.General {
		n := min(side, a.N-i)
		return blas64.General{Rows: n, Cols: f.Cols, Stride: f.Stride, Data: f.Data[i*f.Stride : (i+n)*f.Stride]}
	}
	g := blas64.General{Stride: side, Data: make([]float64, side*side)}
	for j := 0; j < a.N; j += side {
		for i := 0; i <= j; i += side {
			g.Rows, g.Cols = min(side, a.N-i), min(side, a.N-j)
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, rows(i), rows(j), 0, g)
			for r := range g.Rows {
				for c := range g.Cols {
					if g.Data[r*side+c] > tau {
						a.set(i+r, j+c)
						a.set(j+c, i+r)
					}
				}
			}
		}
	}
}

func (a *Affinity) set(i, j int) { a.Bits[i*a.Words+j/32] |= 1 << (j % 32) }

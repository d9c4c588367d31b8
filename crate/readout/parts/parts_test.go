package parts

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// run draws images in which a block of patches differs from the rest, and a
// stripe of the block from the block.
func run(r *rand.Rand, count, d int) []Image {
	directions := make([][]float64, 3)
	for k := range directions {
		directions[k] = make([]float64, d)
		for c := range d {
			directions[k][c] = 2 * r.NormFloat64()
		}
	}
	images := make([]Image, count)
	for i := range images {
		rows, columns := 5+r.IntN(4), 5+r.IntN(4)
		images[i] = Image{rows, columns, make([]float32, rows*columns*d)}
		for p := range rows * columns {
			k := 0
			if y, x := p/columns, p%columns; y >= 1 && y < 4 && x >= 1 && x < 4 {
				k = 1
				if y == 2 {
					k = 2
				}
			}
			for c := range d {
				images[i].Descriptors[p*d+c] = float32(1 + directions[k][c] + 0.3*r.NormFloat64())
			}
		}
	}
	return images
}

// pca is the components of rows by the singular value decomposition.
func pca(rows [][]float64, k int, centred bool) (mean []float64, vectors [][]float64) {
	d := len(rows[0])
	mean = make([]float64, d)
	if centred {
		for _, row := range rows {
			for c, x := range row {
				mean[c] += x / float64(len(rows))
			}
		}
	}
	m := mat.NewDense(len(rows), d, nil)
	for i, row := range rows {
		for c, x := range row {
			m.Set(i, c, x-mean[c])
		}
	}
	var svd mat.SVD
	svd.Factorize(m, mat.SVDThin)
	var v mat.Dense
	svd.VTo(&v)
	for j := range k {
		col := make([]float64, d)
		at := 0
		for c := range col {
			col[c] = v.At(c, j)
			if math.Abs(col[c]) > math.Abs(col[at]) {
				at = c
			}
		}
		if col[at] < 0 {
			for c := range col {
				col[c] = -col[c]
			}
		}
		vectors = append(vectors, col)
	}
	return mean, vectors
}

func project(row, mean, v []float64) float64 {
	s := 0.0
	for c, x := range row {
		s += (x - mean[c]) * v[c]
	}
	return s
}

func rowsOf(image Image, d int) [][]float64 {
	rows := make([][]float64, image.Rows*image.Columns)
	for i := range rows {
		for _, x := range image.Descriptors[i*d : (i+1)*d] {
			rows[i] = append(rows[i], float64(x))
		}
	}
	return rows
}

// filled closes holes: it grows the outside from beyond the border.
func filled(mask []bool, columns int) []bool {
	rows := len(mask) / columns
	outside := make([]bool, len(mask))
	for changed := true; changed; {
		changed = false
		for i := range mask {
			y, x := i/columns, i%columns
			near := y == 0 || x == 0 || y == rows-1 || x == columns-1 ||
				outside[i-1] || outside[i+1] || outside[i-columns] || outside[i+columns]
			if !mask[i] && near && !outside[i] {
				outside[i], changed = true, true
			}
		}
	}
	out := make([]bool, len(mask))
	for i := range out {
		out[i] = !outside[i]
	}
	return out
}

// TestCode follows the steps of numerics 4.6 literally, with singular values.
func TestCode(t *testing.T) {
	const d = 11
	for seed := range uint64(12) {
		images := run(rand.New(rand.NewPCG(seed, 1)), 3, d)
		invert := seed%2 == 1
		got, err := Find(images, d, Options{Invert: invert})
		if err != nil {
			t.Fatal(err)
		}
		var all, front [][]float64
		for _, image := range images {
			all = append(all, rowsOf(image, d)...)
		}
		mean, first := pca(all, 1, true)
		masks := make([][]bool, len(images))
		for i, image := range images {
			var scores []float64
			for _, row := range rowsOf(image, d) {
				s := project(row, mean, first[0])
				if invert {
					s = -s
				}
				scores = append(scores, s)
			}
			low, high := slices.Min(scores), slices.Max(scores)
			masks[i] = make([]bool, len(scores))
			for p, s := range scores {
				masks[i][p] = (s-low)/(high-low) > 0.5
			}
			if want := filled(masks[i], image.Columns); !slices.Equal(want, got[i].Foreground) {
				t.Fatalf("image %d: foreground %v, want %v", i, got[i].Foreground, want)
			}
		}
		for i, image := range images {
			for p, row := range rowsOf(image, d) {
				if got[i].Foreground[p] {
					front = append(front, row)
				}
			}
		}
		mean, vectors := pca(front, 3, true)
		for i, image := range images {
			least := 0.0
			var scores [][3]float64
			for p, row := range rowsOf(image, d) {
				var s [3]float64
				if got[i].Foreground[p] {
					for k := range s {
						s[k] = project(row, mean, vectors[k])
						least = min(least, s[k])
					}
				}
				scores = append(scores, s)
			}
			for k := range 3 {
				low, high := math.Inf(1), math.Inf(-1)
				for p := range scores {
					if scores[p][k] == 0 {
						scores[p][k] = least - 1
					}
					low, high = min(low, scores[p][k]), max(high, scores[p][k])
				}
				for p := range scores {
					want := 0.0
					if high > low {
						want = (scores[p][k] - low) / (high - low) * 255
					}
					if math.Abs(float64(got[i].RGB[3*p+k])-want) > 1 {
						t.Fatalf("image %d patch %d channel %d is %d, want %.2f", i, p, k, got[i].RGB[3*p+k], want)
					}
				}
			}
		}
	}
}

// TestInvert: with two kinds of patches one side is the block and the other the
// ground around it, whose hole, the block, is filled.
func TestInvert(t *testing.T) {
	const d = 6
	f := make([]float32, 25*d)
	for p := range 25 {
		f[p*d+2] = 3
		if y, x := p/5, p%5; y >= 1 && y < 4 && x >= 1 && x < 4 {
			f[p*d+2] = 5
		}
	}
	images := []Image{{5, 5, f}}
	plain, err := Find(images, d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// The only loading that isn't zero is positive, so the larger values win.
	for p, on := range plain[0].Foreground {
		if y, x := p/5, p%5; on != (y >= 1 && y < 4 && x >= 1 && x < 4) {
			t.Fatalf("foreground %v", plain[0].Foreground)
		}
	}
	inverted, err := Find(images, d, Options{Invert: true})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(inverted[0].Foreground, false) {
		t.Errorf("inverted: %v, want all, the hole filled", inverted[0].Foreground)
	}
}

// TestPaper: uncentred, a raw threshold, and colours on one scale for the run.
func TestPaper(t *testing.T) {
	const d = 9
	images := run(rand.New(rand.NewPCG(5, 5)), 4, d)
	var all [][]float64
	for i, image := range images {
		for c := range image.Descriptors {
			image.Descriptors[c] -= 4 // a mean on the negative side
		}
		all = append(all, rowsOf(images[i], d)...)
	}
	mean, first := pca(all, 1, false)
	sum := 0.0
	var scores []float64
	for _, row := range all {
		scores = append(scores, math.Abs(project(row, mean, first[0])))
		sum += project(row, mean, first[0])
	}
	slices.Sort(scores)
	for _, threshold := range []float64{0, scores[len(scores)/2]} {
		got, err := Find(images, d, Options{Variant: Paper, Threshold: threshold})
		if err != nil {
			t.Fatal(err)
		}
		if threshold == 0 {
			threshold = 12
		}
		kept := 0
		for i, image := range images {
			for p, row := range rowsOf(image, d) {
				s := math.Copysign(1, sum) * project(row, mean, first[0])
				if s >= threshold && !got[i].Foreground[p] {
					t.Fatalf("image %d patch %d has score %v and isn't kept", i, p, s)
				}
				if got[i].Foreground[p] {
					kept++
				} else if rgb := got[i].RGB[3*p : 3*p+3]; !slices.Equal(rgb, []uint8{0, 0, 0}) {
					t.Fatalf("background of colour %v", rgb)
				}
			}
		}
		if threshold != 12 && (kept == 0 || kept == len(all)) {
			t.Errorf("threshold %v keeps %d of %d patches: the test shows nothing", threshold, kept, len(all))
		}
	}
}

// Without a foreground, or with constant images, all is background and nothing
// fails.
func TestNoForeground(t *testing.T) {
	const d = 4
	f := make([]float32, 6*d)
	for i := range f {
		f[i] = 0.5
	}
	for _, o := range []Options{{}, {Variant: Paper}, {Invert: true}} {
		got, err := Find([]Image{{2, 3, f}, {2, 3, f}}, d, o)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(got[1].Foreground, true) || slices.Max(got[1].RGB) != 0 {
			t.Errorf("%+v: %+v", o, got[1])
		}
	}
	if _, err := Find([]Image{{2, 3, f[:5]}}, d, Options{}); err == nil {
		t.Error("an image with too few descriptors was taken")
	}
	nan := slices.Clone(f)
	nan[3] = float32(math.NaN())
	if _, err := Find([]Image{{2, 3, nan}}, d, Options{}); err == nil {
		t.Error("NaN was taken")
	}
}

func BenchmarkFind(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const d = 768
	images := make([]Image, 4)
	for i := range images {
		images[i] = Image{28, 28, make([]float32, 784*d)}
		for k := range images[i].Descriptors {
			images[i].Descriptors[k] = float32(r.NormFloat64() * float64(1+k%d%9))
		}
	}
	for b.Loop() {
		if _, err := Find(images, d, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

package maskcut

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout"
)

// grid makes features from a picture of letters: patches with one letter are
// alike, others aren't.
func grid(lines ...string) (features []float32, rows, columns, d int) {
	d = 26
	for _, line := range lines {
		for _, c := range line {
			f := make([]float32, d)
			f[c-'a'] = 2
			features = append(features, f...)
		}
	}
	return features, len(lines), len(lines[0]), d
}

func find(t *testing.T, features []float32, rows, columns, d int, o Options) []Object {
	t.Helper()
	a, err := NewAffinity(features, rows*columns, d, Tau)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := a.Objects(rows, columns, o)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func drawing(cells []bool, columns int) []string {
	var lines []string
	for at := 0; at < len(cells); at += columns {
		line := ""
		for _, on := range cells[at : at+columns] {
			if on {
				line += "#"
			} else {
				line += "."
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func wantDrawing(t *testing.T, cells []bool, columns int, want ...string) {
	t.Helper()
	if got := drawing(cells, columns); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A constant image has no cut: v is zero, nothing exceeds the mean, the first
// patch is the seed, its side isn't the object's, so all is reversed: the
// object is the whole grid. Nothing is left for a second one.
func TestConstantImage(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 2}, {4, 4}, {3, 7}, {12, 12}} {
		features := make([]float32, size[0]*size[1]*3)
		for i := range features {
			features[i] = float32(i%3) + 1
		}
		for _, o := range []Options{{Objects: 3}, {Objects: 3, Strict: true}, {TokenCut: true, Objects: 1}} {
			objects := find(t, features, size[0], size[1], 3, o)
			if len(objects) != 1 || readout.Count(objects[0].Cells) != size[0]*size[1] || objects[0].Seed != 0 || objects[0].Score != 0 {
				t.Errorf("%v %+v: %+v, want all patches in one object", size, o, objects)
			}
		}
	}
	// Features of zero are alike to nothing, themselves included.
	if objects := find(t, make([]float32, 12), 2, 3, 2, Options{Objects: 2}); len(objects) != 1 || readout.Count(objects[0].Cells) != 6 {
		t.Errorf("zero features: %+v", objects)
	}
}

// Two equal parts on either side of a background: all their patches tie at the
// maximum, and the tie spans two components. The first patch decides, and the
// second object is the other part.
func TestTieSpansTwoComponents(t *testing.T) {
	features, rows, columns, d := grid(
		"aaaaaaaa",
		"abbaabba",
		"abbaabba",
		"aaaaaaaa",
		"aaaaaaaa")
	objects := find(t, features, rows, columns, d, Options{Objects: 2})
	wantDrawing(t, objects[0].Cells, columns, "........", ".##.....", ".##.....", "........", "........")
	v := objects[0].Cut.Vector
	for i, x := range v {
		b := features[i*d+1] > 0
		if b && x != v[9] || !b && x != v[0] {
			t.Fatalf("patches with equal rows have entries %v and %v, %v", x, v[9], v[0])
		}
	}
	if objects[0].Seed != 9 {
		t.Errorf("the seed is %d, want the first of the equal ones, 9", objects[0].Seed)
	}
}

// A picture that equals its mirror image has a vector that is even or odd
// under it, so that the maximum ties in pairs, if not within a part. The lower
// index wins; rounding, which differs between mirror twins, doesn't matter.
func TestMirroredImage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		rows, columns, d := 4+r.IntN(6), 2*(2+r.IntN(5)), 6
		features := regions(r, rows, columns, d, 1, blobs(r, rows, columns))
		mirror(features, columns, d)
		// Noise in the last bits, as a device that sums in another order adds.
		a, err := NewAffinity(features, rows*columns, d, Tau)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := a.Cut(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, top := largest(cut.Vector, math.Abs)
		_, seed := sides(cut.Vector, cornersOf(rows, columns))
		for range 10 {
			v := slices.Clone(cut.Vector)
			for i := range v {
				v[i] += 1e-11 * top * (r.Float64() - 0.5)
			}
			if at, _ := largest(v, math.Abs); at%columns >= columns/2 {
				twin := at - at%columns + columns - 1 - at%columns
				if math.Abs(math.Abs(v[twin])-math.Abs(v[at])) < tie*top {
					t.Fatalf("patch %d was chosen before its equal twin %d", at, twin)
				}
			}
			if _, again := sides(v, cornersOf(rows, columns)); again != seed {
				t.Fatalf("noise of 1e-11 moves the seed from %d to %d", seed, again)
			}
		}
	}
}

// Entries within 1e-9 of the largest magnitude of the mean lie on the
// background's side; those beyond on the object's.
func TestMeanTie(t *testing.T) {
	v := []float64{1, 5e-10, -5e-10, 2e-9, -0.5, 0}
	v[5] = -(v[0] + v[1] + v[2] + v[3] + v[4]) // mean zero
	side, seed := sides(v, nil)
	if want := []bool{true, false, false, true, false, false}; !slices.Equal(side, want) || seed != 0 {
		t.Errorf("sides %v from %d, want %v from 0", side, seed, want)
	}
}

// A thin frame that holds the extreme patch: with v[seed] > 0 three corners and
// more lie on its side, and the object is what the frame surrounds. With the
// other sign the frame itself would be taken (numerics 4.4).
func TestFrame(t *testing.T) {
	features, rows, columns, d := grid(
		"aaaaaaaa",
		"abbbbbba",
		"abbbbbba",
		"abbbbbba",
		"abbbbbba",
		"aaaaaaaa")
	objects := find(t, features, rows, columns, d, Options{Objects: 1})
	wantDrawing(t, objects[0].Cells, columns, "........", ".######.", ".######.", ".######.", ".######.", "........")
	// The frame has fewer patches than its inside, hence the larger entries.
	cut := objects[0].Cut
	if seed, _ := largest(cut.Vector, math.Abs); seed != 0 || cut.Vector[0] <= 0 {
		t.Errorf("the largest entry is %v at %d, want a positive one at 0", cut.Vector[seed], seed)
	}
	negative := make([]float64, len(cut.Vector))
	for i, x := range cut.Vector {
		negative[i] = -x
	}
	side, seed := sides(negative, cornersOf(rows, columns))
	wantDrawing(t, readout.Component(side, columns, seed), columns, "########", "#......#", "#......#", "#......#", "#......#", "########")
	// TokenCut has no rule of corners and takes the frame.
	token := find(t, features, rows, columns, d, Options{Objects: 1, TokenCut: true})
	wantDrawing(t, token[0].Cells, columns, "########", "#......#", "#......#", "#......#", "#......#", "########")
}

// After an object that covers what a cut finds again, strict mode stops; the
// reference keeps what lies outside.
func TestModes(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	differ := 0
	for range 60 {
		rows, columns, d := 8, 9, 5
		features := regions(r, rows, columns, d, 1.5, blobs(r, rows, columns))
		loose := find(t, features, rows, columns, d, Options{Objects: 4})
		strict := find(t, features, rows, columns, d, Options{Objects: 4, Strict: true})
		if len(strict) > len(loose) {
			t.Fatalf("%d objects in strict mode, %d in the reference", len(strict), len(loose))
		}
		for i := range strict {
			if !slices.Equal(strict[i].Cells, loose[i].Cells) {
				t.Fatalf("object %d differs between the modes", i)
			}
		}
		if len(strict) < len(loose) {
			differ++
		}
		taken := make([]bool, rows*columns)
		for _, o := range loose {
			for i, on := range o.Cells {
				if on && taken[i] {
					t.Fatal("two objects share a patch")
				}
				taken[i] = taken[i] || on
			}
		}
	}
	if differ == 0 {
		t.Error("the modes never differed")
	}
}

// Painted patches share one value, mean(v)/(1−λ) by numerics 4.4's algebra.
func TestPaintedPatches(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	features := regions(r, 9, 9, 6, 1, blobs(r, 9, 9))
	a, err := NewAffinity(features, 81, 6, Tau)
	if err != nil {
		t.Fatal(err)
	}
	painted := make([]bool, 81)
	for i := 20; i < 35; i++ {
		painted[i] = true
	}
	cut, err := a.Cut(painted)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for _, x := range cut.Vector {
		mean += x / 81
	}
	for i, on := range painted {
		if on && cut.Vector[i] != cut.Vector[20] {
			t.Fatalf("painted patches differ: %v and %v", cut.Vector[i], cut.Vector[20])
		}
	}
	if want := mean / (1 - cut.Lambda); math.Abs(cut.Vector[20]-want) > 1e-12 {
		t.Errorf("painted patches are %v, want %v", cut.Vector[20], want)
	}
}

package coco

import (
	"errors"
	"math"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// TestFillOfOthers has what COCO's own tools fill, as the documentation of kwimage
// shows it: slanted edges through pixels and a union.
func TestFillOfOthers(t *testing.T) {
	hook := []float64{3, 0, 2, 1, 2, 4, 4, 4, 4, 3, 7, 0}
	leaf := []float64{0, 9, 4, 8, 2, 3}
	for _, c := range []struct {
		polygons [][]float64
		want     string
	}{
		{[][]float64{hook}, "b04500N2"},
		{[][]float64{hook, leaf}, "724;MG2MN16"},
	} {
		m, err := Fill(c.polygons, 9, 5)
		if err != nil || m.Compressed() != c.want {
			t.Errorf("%v: %q, %v, want %q", c.polygons, m.Compressed(), err, c.want)
		}
	}
}

func TestFillByHand(t *testing.T) {
	for _, c := range []struct {
		name     string
		polygons [][]float64
		want     string
	}{
		{"none", [][]float64{}, "....\n....\n....\n...."},
		{"pixel boundaries", [][]float64{{1, 1, 3, 1, 3, 3, 1, 3}}, "....\n.##.\n.##.\n...."},
		{"the other way round", [][]float64{{1, 3, 3, 3, 3, 1, 1, 1}}, "....\n.##.\n.##.\n...."},
		{"closed twice", [][]float64{{1, 1, 3, 1, 3, 3, 1, 3, 1, 3, 1, 1, 1, 1}}, "....\n.##.\n.##.\n...."},
		{"beyond all edges", [][]float64{{-9, -9, 99, -9, 99, 99, -9, 99}}, "####\n####\n####\n####"},
		{"above", [][]float64{{0, -9, 4, -9, 4, 0, 0, 0}}, "....\n....\n....\n...."},
		{"below", [][]float64{{0, 4, 4, 4, 4, 9, 0, 9}}, "....\n....\n....\n...."},
		{"from above to the middle", [][]float64{{0, -9, 4, -9, 4, 2, 0, 2}}, "####\n####\n....\n...."},
		{"even-odd", [][]float64{{0, 0, 4, 0, 4, 4, 0, 4, 0, 0, 1, 1, 3, 1, 3, 3, 1, 3, 1, 1}}, "####\n#..#\n#..#\n####"},
		{"a union, not even-odd", [][]float64{{0, 0, 4, 0, 4, 4, 0, 4}, {1, 1, 3, 1, 3, 3, 1, 3}}, "####\n####\n####\n####"},
		// A column is filled if the outline reaches beyond its middle, 2½ fifths.
		{"up to 0.4 of a column", [][]float64{{1, 1, 3.4, 1, 3.4, 3, 1, 3}}, "....\n.##.\n.##.\n...."},
		{"up to 0.6 of a column", [][]float64{{1, 1, 3.6, 1, 3.6, 3, 1, 3}}, "....\n.###\n.###\n...."},
		// It passes the middle of column 0 from fifth 2 to fifth 3 of row 0: the upper
		// one is at (2+½)/5 − ½ = 0, so the column ends before row 0.
		{"a diagonal", [][]float64{{0, 0, 4, 0, 4, 4}}, ".###\n..##\n...#\n...."},
	} {
		m, err := Fill(c.polygons, 4, 4)
		if err != nil || rows(m) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, rows(m), c.want)
		}
	}
}

// fillDensely is the rule as it is told of COCO's tools, step by step: every fifth
// of a pixel along the outline is a point; where two points in a row lie left and
// right of a column's middle, the upper one toggles the column from there down.
func fillDensely(p []float64, height, width int) RLE {
	n := len(p) / 2
	var xs, ys []int
	for i := range n {
		a := [2]int{int(5*p[2*i] + 0.5), int(5*p[2*i+1] + 0.5)}
		j := (i + 1) % n
		b := [2]int{int(5*p[2*j] + 0.5), int(5*p[2*j+1] + 0.5)}
		steps := max(abs(b[0]-a[0]), abs(b[1]-a[1]))
		long, short := 0, 1
		if abs(b[0]-a[0]) < abs(b[1]-a[1]) {
			long, short = 1, 0
		}
		low, high := a, b
		if a[long] > b[long] {
			low, high = b, a
		}
		for k := range steps + 1 {
			d := k // from the lower end
			if low != a {
				d = steps - k
			}
			var q [2]int
			q[long] = low[long] + d
			q[short] = low[short]
			if steps > 0 {
				slope := float64(high[short]-low[short]) / float64(steps)
				q[short] = int(float64(low[short]) + slope*float64(d) + 0.5)
			}
			xs, ys = append(xs, q[0]), append(ys, q[1])
		}
	}
	var toggles []int
	for i := 1; i < len(xs); i++ {
		l := min(xs[i-1], xs[i])
		if xs[i-1] == xs[i] || l < 0 || l%5 != 2 || l/5 >= width {
			continue
		}
		y := math.Ceil((float64(min(ys[i-1], ys[i]))+0.5)/5 - 0.5)
		toggles = append(toggles, l/5*height+int(min(max(0, y), float64(height))))
	}
	sort.Ints(toggles)
	pix := make([]uint8, height*width)
	for i := range pix {
		column := i%width*height + i/width
		if sort.SearchInts(toggles, column+1)%2 == 1 {
			pix[i] = 1
		}
	}
	return Encode(pix, width, height)
}

func TestFillProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 16).Draw(t, "height"), rapid.IntRange(1, 16).Draw(t, "width")
		coordinate := rapid.OneOf(
			rapid.Float64Range(-8, 24),
			rapid.Map(rapid.IntRange(-40, 120), func(n int) float64 { return float64(n) / 5 }),
			rapid.Map(rapid.IntRange(-300, 300), func(n int) float64 { return float64(n) }))
		p := rapid.SliceOfN(coordinate, 6, 24).Draw(t, "polygon")
		p = p[:len(p)/2*2]
		got, err := Fill([][]float64{p}, h, w)
		if err != nil {
			t.Fatal(err)
		}
		if want := fillDensely(p, h, w); !slices.Equal(got.Counts, want.Counts) {
			t.Fatalf("%d×%d %v:\n%s\nwant\n%s", h, w, p, rows(got), rows(want))
		}
	})
}

func TestFillRefused(t *testing.T) {
	var f *FormatError
	for _, p := range [][]float64{nil, {1, 2, 3, 4}, {1, 2, 3, 4, 5, 6, 7}} {
		if _, err := Fill([][]float64{{0, 0, 1, 0, 1, 1}, p}, 4, 4); !errors.As(err, &f) || f.Place != "[1]" {
			t.Errorf("%v: %v", p, err)
		}
	}
	var u *UnsupportedError
	for _, v := range []float64{math.NaN(), math.Inf(-1), 1e7} {
		if _, err := Fill([][]float64{{0, 0, 1, 0, 1, v}}, 4, 4); !errors.As(err, &u) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

// area is the shoelace formula.
func area(p []float64) float64 {
	sum := 0.0
	for i := 0; i < len(p); i += 2 {
		j := (i + 2) % len(p)
		sum += p[i]*p[j+1] - p[j]*p[i+1]
	}
	return sum / 2
}

// components counts the 4-connected components of a mask.
func components(m RLE) int {
	pix := pixels(m)
	n := 0
	for i := range pix {
		if pix[i] == 0 {
			continue
		}
		n++
		for stack := []int{i}; len(stack) > 0; {
			j := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := j%m.Width, j/m.Width
			if x < 0 || pix[j] == 0 {
				continue
			}
			pix[j] = 0
			for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
				if x, y := x+d[0], y+d[1]; x >= 0 && y >= 0 && x < m.Width && y < m.Height {
					stack = append(stack, y*m.Width+x)
				}
			}
		}
	}
	return n
}

// checkOutlines checks what Polygons promises of a mask.
func checkOutlines(t interface {
	Fatalf(string, ...any)
	Helper()
}, m RLE) [][]float64 {
	t.Helper()
	polygons := Polygons(m)
	back, err := Fill(polygons, m.Height, m.Width)
	if err != nil || !slices.Equal(back.Counts, m.Counts) {
		t.Fatalf("%v: %v\n%s\nwant\n%s", polygons, err, rows(back), rows(m))
	}
	if len(polygons) != components(m) {
		t.Fatalf("%d polygons, want %d", len(polygons), components(m))
	}
	sum := 0.0
	for _, p := range polygons {
		sum += area(p)
		for i := 0; i < len(p); i += 2 {
			j := (i + 2) % len(p)
			if (p[i] == p[j]) == (p[i+1] == p[j+1]) {
				t.Fatalf("%v: side %d isn't along an axis", p, i/2)
			}
			if k := (i + 4) % len(p); p[i] == p[j] && p[j] == p[k] && (p[i+1] < p[j+1]) == (p[j+1] < p[k+1]) ||
				p[i+1] == p[j+1] && p[j+1] == p[k+1] && (p[i] < p[j]) == (p[j] < p[k]) {
				t.Fatalf("%v: point %d lies on a straight way", p, j/2)
			}
		}
	}
	if sum != float64(m.Area()) {
		t.Fatalf("%v: areas sum to %g, want %d", polygons, sum, m.Area())
	}
	return polygons
}

func TestPolygonsByHand(t *testing.T) {
	for _, c := range []struct {
		name string
		mask RLE
		want [][]float64
	}{
		{"none", picture("..", ".."), nil},
		{"a pixel", picture("...", ".#.", "..."), [][]float64{{1, 1, 2, 1, 2, 2, 1, 2}}},
		{"an L", picture("#.", "##"), [][]float64{{0, 0, 1, 0, 1, 1, 2, 1, 2, 2, 0, 2}}},
		{"pixels that share a corner", picture("#.", ".#"), [][]float64{{0, 0, 1, 0, 1, 1, 0, 1}, {1, 1, 2, 1, 2, 2, 1, 2}}},
		{"a hole", picture("###", "#.#", "###"), [][]float64{{0, 0, 3, 0, 3, 3, 0, 3, 0, 1, 1, 1, 1, 2, 2, 2, 2, 1, 0, 1}}},
		{"a seam that ends at a notch", picture(".###", "##.#", "####"), [][]float64{{1, 0, 4, 0, 4, 3, 0, 3, 0, 1, 2, 1, 2, 2, 3, 2, 3, 1, 1, 1}}},
	} {
		if got := checkOutlines(t, c.mask); !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, m := range []RLE{
		picture( // a hole whose seam meets another hole, and one at the edge of a notch
			"#########",
			"#.##..#.#",
			"#.###.#.#",
			"####..###",
			"##.######",
			"...#.#.##"),
		picture( // components inside of holes
			"#######",
			"#.....#",
			"#.###.#",
			"#.#.#.#",
			"#.###.#",
			"#.....#",
			"#######"),
		picture( // holes that share corners with the outside and with each other
			"#.###",
			".#.##",
			"#.#.#",
			"##.##",
			"#####"),
	} {
		checkOutlines(t, m)
	}
}

func TestPolygonsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 14).Draw(t, "height"), rapid.IntRange(1, 14).Draw(t, "width")
		checkOutlines(t, drawMask(t, h, w))
	})
}

package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const resizeDir = "testdata/resize"

func readMask(t *testing.T, path string) *Gray {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	m := img.(*image.Gray)
	return &Gray{m.Rect.Dx(), m.Rect.Dy(), m.Pix}
}

// TestResizeGolden compares with Pillow's own results, bit for bit. One Resizer does
// them all, in an order that changes its plans again and again.
func TestResizeGolden(t *testing.T) {
	source := readReference(t, filepath.Join(resizeDir, "source.png"))
	mask := readMask(t, filepath.Join(resizeDir, "mask.png"))
	paths, err := filepath.Glob(filepath.Join(resizeDir, "*-*x*.png"))
	if err != nil || len(paths) != 56 {
		t.Fatalf("%d files, want 56 (%v)", len(paths), err)
	}
	var r Resizer
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".png")
		filterName, size, _ := strings.Cut(strings.TrimPrefix(name, "mask-"), "-")
		f, err := ParseFilter(filterName)
		if err != nil {
			t.Fatal(err)
		}
		var w, h int
		fmt.Sscanf(size, "%dx%d", &w, &h)
		if strings.HasPrefix(name, "mask-") {
			want := readMask(t, path)
			got := ResizeGray(mask, w, h, f)
			again := NewGray(w, h)
			r.Gray(again, mask, f)
			if !bytes.Equal(got.Pix, want.Pix) || !bytes.Equal(again.Pix, want.Pix) {
				t.Errorf("%s differs", name)
			}
			continue
		}
		want := readReference(t, path)
		got := Resize(source, w, h, f)
		again := NewRGB(w, h)
		r.RGB(again, source, f)
		if d, mean, at := difference(got, want); d > 0 {
			t.Errorf("%s differs by up to %d (at %s), %.4f in the mean", name, d, at, mean)
		}
		if !bytes.Equal(got.Pix, again.Pix) {
			t.Errorf("%s differs when a Resizer is used again", name)
		}
	}
}

// plainFilter is the filters' definition, once more.
func plainFilter(f Filter, x float64) float64 {
	x = math.Abs(x)
	switch f {
	case Bilinear:
		if x < 1 {
			return 1 - x
		}
	case Bicubic: // the cubic convolution kernel with a = -1/2
		switch {
		case x < 1:
			return 1.5*x*x*x - 2.5*x*x + 1
		case x < 2:
			return -0.5*x*x*x + 2.5*x*x - 4*x + 2
		}
	case Lanczos:
		if x == 0 {
			return 1
		}
		if x < 3 {
			return 3 * math.Sin(math.Pi*x) * math.Sin(math.Pi*x/3) / (math.Pi * math.Pi * x * x)
		}
	}
	return 0
}

// plainPass resizes one line of samples, stride apart, without any care for speed.
// Weights within 1e-9 of a half may round to either side in another order of
// operations; the sum then moves by less than 1e-3 of a level for 4,000 samples.
func plainPass(in []uint8, out int, f Filter) []float64 {
	scale := float64(len(in)) / float64(out)
	s := math.Max(scale, 1)
	support := map[Filter]float64{Bilinear: 1, Bicubic: 2, Lanczos: 3}[f] * s
	res := make([]float64, out)
	for o := range res {
		c := (float64(o) + 0.5) * scale
		lo := int(math.Max(0, math.Trunc(c-support+0.5)))
		hi := int(math.Min(float64(len(in)), math.Trunc(c+support+0.5)))
		sum, weight := 0.0, 0.0
		for x := lo; x < hi; x++ {
			w := plainFilter(f, (float64(x)-c+0.5)/s)
			sum += w * float64(in[x])
			weight += w
		}
		res[o] = sum / weight
	}
	return res
}

func rounded(v float64) uint8 { return uint8(math.Max(0, math.Min(255, math.Floor(v+0.5)))) }

// TestResizeProperty compares with the plain form on random sizes and samples. A
// sample may differ by 1 where the plain one lies within 2e-3 of the border between
// two levels; that is what 22 bits of weight cost.
func TestResizeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(1, 70))
		w, h := size.Draw(t, "w"), size.Draw(t, "h")
		w2, h2 := size.Draw(t, "w2"), size.Draw(t, "h2")
		f := Filter(rapid.IntRange(int(Bilinear), int(Lanczos)).Draw(t, "filter"))
		src := noise(rapid.Uint64().Draw(t, "seed"), w, h)
		if rapid.Bool().Draw(t, "extremes") {
			for i, v := range src.Pix {
				src.Pix[i] = 255 * (v & 1)
			}
		}
		got := Resize(src, w2, h2, f)
		for c := range 3 {
			// Across, from the source; then down, from what the code made of it:
			// that the passes round in between is part of the definition.
			mid := Resize(src, w2, h, f)
			for y := range h {
				line := make([]uint8, w)
				for x := range line {
					line[x] = src.Pix[3*(y*w+x)+c]
				}
				want := plainPass(line, w2, f)
				if w == w2 {
					continue
				}
				for x, v := range want {
					check(t, mid.Pix[3*(y*w2+x)+c], v, x, y)
				}
			}
			for x := range w2 {
				line := make([]uint8, h)
				for y := range line {
					line[y] = mid.Pix[3*(y*w2+x)+c]
				}
				if h == h2 {
					continue
				}
				for y, v := range plainPass(line, h2, f) {
					check(t, got.Pix[3*(y*w2+x)+c], v, x, y)
				}
			}
		}
		// One channel at a time gives the same.
		gray := NewGray(w, h)
		for i := range gray.Pix {
			gray.Pix[i] = src.Pix[3*i+1]
		}
		one := ResizeGray(gray, w2, h2, f)
		for i, v := range one.Pix {
			if got.Pix[3*i+1] != v {
				t.Fatalf("gray differs from green at %d: %d and %d", i, v, got.Pix[3*i+1])
			}
		}
	})
}

func check(t *rapid.T, got uint8, want float64, x, y int) {
	t.Helper()
	if got != rounded(want) && got != rounded(want-2e-3) && got != rounded(want+2e-3) {
		t.Fatalf("(%d, %d) is %d, want %.4f", x, y, got, want)
	}
}

// TestResizeStream checks that the fast form of the bilinear pass is taken and has
// the same results as the general one.
func TestResizeStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.IntRange(1, 2100).Draw(t, "w")
		w2 := rapid.IntRange(1, w).Draw(t, "w2")
		var a axis
		a.plan(w, w2, Bilinear)
		var s stream
		if !s.plan(&a) {
			t.Fatalf("%d to %d has no stream", w, w2)
		}
		src := noise(rapid.Uint64().Draw(t, "seed"), w, 1)
		if rapid.Bool().Draw(t, "white") {
			for i := range src.Pix {
				src.Pix[i] = 255
			}
		}
		x, y := make([]uint8, 3*w2), make([]uint8, 3*w2)
		across3(x, src.Pix, a.taps)
		s.across3(y, src.Pix)
		if !bytes.Equal(x, y) {
			t.Fatalf("%d to %d: %v and %v", w, w2, x, y)
		}
	})
}

func TestResizeSame(t *testing.T) {
	src := noise(9, 31, 17)
	for f := Nearest; f <= Lanczos; f++ {
		got := Resize(src, 31, 17, f)
		if !bytes.Equal(got.Pix, src.Pix) || &got.Pix[0] == &src.Pix[0] {
			t.Errorf("%v: the same size isn't a copy", f)
		}
		flat := NewRGB(31, 17)
		for i := range flat.Pix {
			flat.Pix[i] = 201
		}
		for i, v := range Resize(flat, 77, 5, f).Pix {
			if v != 201 {
				t.Errorf("%v: a flat picture has %d at %d", f, v, i)
				break
			}
		}
	}
}

func TestResizeAllocates(t *testing.T) {
	src, dst := noise(1, 200, 150), NewRGB(64, 48)
	var r Resizer
	r.RGB(dst, src, Bilinear)
	if n := testing.AllocsPerRun(10, func() { r.RGB(dst, src, Bilinear) }); n > 0 {
		t.Errorf("a second resize allocates %v times", n)
	}
}

func TestResizePanics(t *testing.T) {
	for _, c := range []func(){
		func() { Resize(NewRGB(3, 3), 0, 3, Bilinear) },
		func() { Resize(NewRGB(0, 3), 3, 3, Nearest) },
		func() { Resize(&RGB{3, 3, make([]uint8, 26)}, 3, 3, Nearest) },
		func() { Resize(NewRGB(3, 3), 4, 4, Filter(9)) },
		func() { Normalise(make([]float32, 26), NewRGB(3, 3), [3]float32{}, [3]float32{1, 1, 1}) },
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.HasPrefix(fmt.Sprint(v), "picture: ") {
					t.Errorf("panicked with %v", v)
				}
			}()
			c()
		}()
	}
	if _, err := ParseFilter("box"); err == nil {
		t.Error("a filter named box is known")
	}
}

// TestNormalise compares all samples of all channels with numpy's float32.
func TestNormalise(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(resizeDir, "normalise.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	src := NewRGB(16, 16)
	for i := range 256 {
		src.Pix[3*i], src.Pix[3*i+1], src.Pix[3*i+2] = uint8(i), uint8(255-i), uint8(i*7)
	}
	dst := make([]float32, 3*256)
	Normalise(dst, src, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225})
	for c := range 3 {
		words := strings.Fields(lines[c])
		for i := range 256 {
			got := fmt.Sprintf("%08x", math.Float32bits(dst[256*c+i]))
			if want := words[src.Pix[3*i+c]]; got != want {
				t.Fatalf("channel %d, sample %d: %s, want %s", c, src.Pix[3*i+c], got, want)
			}
		}
	}
}

// TestDefaultFilter: the zero value is a bilinear resize, and has no name to parse.
func TestDefaultFilter(t *testing.T) {
	src := NewRGB(7, 5)
	for i := range src.Pix {
		src.Pix[i] = uint8(i * i)
	}
	var zero Filter
	if got, want := Resize(src, 3, 9, zero), Resize(src, 3, 9, Bilinear); !slices.Equal(got.Pix, want.Pix) {
		t.Error("the zero value isn't bilinear")
	}
	if _, err := ParseFilter(zero.String()); err == nil {
		t.Errorf("%q is parsed", zero)
	}
	for f := DefaultFilter - 1; f <= Lanczos+1; f++ {
		if err := f.Check(); (err != nil) != (f < DefaultFilter || f > Lanczos) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

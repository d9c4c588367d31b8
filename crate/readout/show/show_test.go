package show

import (
	"image/color"
	"testing"

	"github.com/crate-vk/crate-vk/loader/picture"
)

func TestViridis(t *testing.T) {
	// From matplotlib's table of 256 colours: entries 0, 64, 128, 192, 255.
	for _, c := range []struct {
		t    float64
		want color.RGBA
	}{
		{0, color.RGBA{68, 1, 84, 255}}, {64.0 / 255, color.RGBA{59, 82, 139, 255}}, {128.0 / 255, color.RGBA{33, 145, 140, 255}},
		{192.0 / 255, color.RGBA{94, 201, 98, 255}}, {1, color.RGBA{253, 231, 37, 255}}, {-1, color.RGBA{68, 1, 84, 255}}, {7, color.RGBA{253, 231, 37, 255}}} {
		got := Viridis(c.t)
		for _, d := range []int{int(got.R) - int(c.want.R), int(got.G) - int(c.want.G), int(got.B) - int(c.want.B)} {
			if d < -3 || d > 3 {
				t.Errorf("%v is %v, want %v", c.t, got, c.want)
				break
			}
		}
	}
}

func TestHuesDiffer(t *testing.T) {
	for _, n := range []int{1, 3, 6, 12, 16} {
		seen := map[color.RGBA]int{}
		for k := range n {
			if other, ok := seen[Hue(k, n)]; ok {
				t.Errorf("of %d hues %d and %d are the same", n, k, other)
			}
			seen[Hue(k, n)] = k
		}
	}
	if Hue(0, 3) != (color.RGBA{255, 0, 0, 255}) || Hue(2, 3) != (color.RGBA{0, 0, 255, 255}) {
		t.Errorf("hues of 3: %v %v %v", Hue(0, 3), Hue(1, 3), Hue(2, 3))
	}
}

func TestHeatMap(t *testing.T) {
	p := HeatMap([]float64{1, 2, 3, 4, 5, 6}, 2, 3, 30, 20)
	if p.RGBAAt(0, 0) != Viridis(0) || p.RGBAAt(9, 9) != Viridis(0) || p.RGBAAt(10, 9) != Viridis(0.2) || p.RGBAAt(29, 19) != Viridis(1) || p.RGBAAt(0, 10) != Viridis(0.6) {
		t.Error("patches are in the wrong place or colour")
	}
	flat := HeatMap([]float64{3, 3}, 1, 2, 4, 4)
	if flat.RGBAAt(0, 0) != Viridis(0) {
		t.Error("a map without spread isn't at the bottom of the scale")
	}
}

// A pixel takes the hue of the head that looks at it, and stays grey elsewhere.
func TestHeads(t *testing.T) {
	p := picture.NewRGB(30, 10)
	for i := range p.Pix {
		p.Pix[i] = 150
	}
	out := Heads(p, [][]float64{{1, 0, 0}, {0, 1, 0}}, 1, 3)
	red, cyan, grey := out.RGBAAt(5, 5), out.RGBAAt(15, 5), out.RGBAAt(25, 5)
	if !(red.R > 2*red.G && red.R > 2*red.B) || !(cyan.G > 2*cyan.R && cyan.B > 2*cyan.R) || grey.R != grey.G || grey.G != grey.B {
		t.Errorf("colours %v %v %v", red, cyan, grey)
	}
}

func TestSheet(t *testing.T) {
	p := picture.NewRGB(40, 20)
	row := Row{p, [][]float64{{0, 1}, {1, 0}}, 1, 2}
	s := Sheet([]Row{row, row}, []int{3, 10}, 80)
	w, h := 6+3*86, 7+12+2*(40+6)
	if s.Rect.Dx() != w || s.Rect.Dy() != h {
		t.Fatalf("the sheet is %v, want %d×%d", s.Rect, w, h)
	}
	if got := s.RGBAAt(6+10, 19+10); got != (color.RGBA{0, 0, 0, 255}) {
		t.Errorf("the image's place has %v", got)
	}
	if s.RGBAAt(6+86+10, 19+10) != Viridis(0) || s.RGBAAt(6+86+70, 19+46+10) != Viridis(1) || s.RGBAAt(6+172+10, 19+10) != Viridis(1) {
		t.Error("heat maps are in the wrong place")
	}
	if s.RGBAAt(2, 2) != (color.RGBA{255, 255, 255, 255}) {
		t.Error("the ground isn't white")
	}
	dots := 0
	for y := 6; y < 13; y++ {
		for x := 6 + 172; x < 6+172+12; x++ {
			if s.RGBAAt(x, y) == (color.RGBA{40, 40, 40, 255}) {
				dots++
			}
		}
	}
	if dots != 10+19 { // a one and a zero
		t.Errorf("10 has %d dots", dots)
	}
}

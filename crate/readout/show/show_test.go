package show

import (
	"image"
	"image/color"
	"image/draw"
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

// Pictures keep their aspect and stand in the middle of their places; a missing
// one leaves its place white; columns without a title get one's worth of room.
func TestSheet(t *testing.T) {
	wide, high := image.NewRGBA(image.Rect(0, 0, 40, 20)), image.NewRGBA(image.Rect(5, 5, 25, 45))
	red, blue := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}
	draw.Draw(wide, wide.Rect, image.NewUniform(red), image.Point{}, draw.Src)
	draw.Draw(high, high.Rect, image.NewUniform(blue), image.Point{}, draw.Src)
	s := Sheet{Titles: []string{"image", ""}, Side: 80}
	s.Add(wide, nil, high)
	s.Add(wide)
	out := s.Draw()
	top := gap + LineHeight(9) + gap/2
	if w, h := gap+3*86, top+80+gap+40+gap; out.Rect.Dx() != w || out.Rect.Dy() != h {
		t.Fatalf("the sheet is %v, want %d×%d", out.Rect, w, h)
	}
	white := color.RGBA{255, 255, 255, 255}
	for at, want := range map[image.Point]color.RGBA{
		{gap + 1, top + 21}: red, {gap + 78, top + 58}: red, {gap + 1, top + 18}: white, {gap + 1, top + 62}: white,
		{gap + 86 + 40, top + 40}:     white,
		{gap + 172 + 21, top + 1}:     blue,
		{gap + 172 + 58, top + 78}:    blue,
		{gap + 172 + 18, top + 40}:    white,
		{gap + 1, top + 86 + 1}:       red,
		{gap + 78, top + 86 + 38}:     red,
		{gap + 86 + 40, top + 86 + 5}: white,
		{1, 1}:                        white,
	} {
		if got := out.RGBAAt(at.X, at.Y); got != want {
			t.Errorf("at %v: %v, want %v", at, got, want)
		}
	}
}

// ink counts the dark pixels of a part of a picture.
func ink(p *image.RGBA, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if p.RGBAAt(x, y).G < 128 {
				n++
			}
		}
	}
	return n
}

// A label stays within its width and its line, and says more when it can.
func TestLabel(t *testing.T) {
	paint := func(text string, width int) *image.RGBA {
		p := image.NewRGBA(image.Rect(0, 0, 300, 60))
		draw.Draw(p, p.Rect, image.White, image.Point{}, draw.Src)
		Label(p, image.Pt(10, 10), width, 16, text, color.Black)
		return p
	}
	line := image.Rect(10, 10, 70, 10+LineHeight(16))
	short, long := paint("head 3", 60), paint("head 3 of many heads", 60)
	for _, p := range []*image.RGBA{short, long} {
		if n := ink(p, line); n < 40 || n != ink(p, p.Rect) {
			t.Errorf("%d dark pixels in the line, %d in all", n, ink(p, p.Rect))
		}
	}
	if whole := paint("head 3 of many heads", 290); ink(whole, whole.Rect) < 2*ink(short, line) {
		t.Error("a label that fits was cut")
	}
	if p := paint("", 60); ink(p, p.Rect) != 0 {
		t.Error("nothing was written, and there is ink")
	}
}

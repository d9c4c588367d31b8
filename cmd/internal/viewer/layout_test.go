package viewer

import (
	"fmt"
	"image"
	"testing"
)

// sound says what is wrong with a layout: something outside the window, overlapping,
// or a patch that is drawn elsewhere than it is found.
func sound(u *UI) error {
	window, l := image.Rectangle{Max: u.size}, u.Layout()
	var apart []image.Rectangle
	apart = append(apart, l.Status...)
	for _, t := range l.Tiles {
		apart = append(apart, t.Frame)
		if !t.Map.In(t.Frame) || !t.Label.In(t.Map) {
			return fmt.Errorf("tile %+v reaches beyond its frame", t)
		}
	}
	for _, p := range l.Panes {
		apart = append(apart, p.Visible(), p.Caption, p.Low, p.Bar, p.High)
		if !p.Area.In(window) {
			return fmt.Errorf("%v is outside the window %v", p.Area, window)
		}
		if !u.choice.Actual && !p.Picture.In(p.Area) {
			return fmt.Errorf("the picture of %+v reaches beyond it", p)
		}
	}
	for i, r := range apart {
		if !r.In(window) {
			return fmt.Errorf("%v is outside the window %v", r, window)
		}
		for _, other := range apart[:i] {
			if r.Overlaps(other) {
				return fmt.Errorf("%v and %v overlap", r, other)
			}
		}
	}
	return nil
}

// In windows of all sizes, scales and numbers of heads everything has its place, every
// patch is found where it is drawn, and each pane's patches cover its picture.
func TestLayouts(t *testing.T) {
	pictures := []Picture{{Width: 500, Height: 333, Rows: 20, Columns: 31, Resized: image.Pt(500, 333), Seen: image.Pt(496, 320)}, {Width: 224, Height: 224, Rows: 14, Columns: 14}, {Width: 300, Height: 200, Rows: 2, Columns: 3}, {Width: 2000, Height: 100, Rows: 6, Columns: 125}, {Width: 90, Height: 1200, Rows: 75, Columns: 5}, {Width: 640, Height: 480, Rows: 60, Columns: 80}, {Width: 7, Height: 5, Rows: 1, Columns: 1}, {}}
	sizes := []image.Point{{0, 0}, {1, 1}, {30, 20}, {200, 150}, {150, 500}, {640, 480}, {1100, 720}, {1920, 1080}, {3840, 2160}}
	tried := 0
	for _, p := range pictures {
		for _, heads := range []int{0, 1, 2, 3, 6, 12, 16, 24} {
			u := sample(p, heads)
			for _, size := range sizes {
				for _, scale := range []float64{1, 1.5, 2} {
					u.Handle(Resize{size.X, size.Y, scale})
					for _, pins := range [][]int{nil, {0}, {0, p.Rows*p.Columns - 1}} {
						for _, actual := range []bool{false, true} {
							if !p.empty() {
								u.pins = pins
							}
							u.choice.Actual = actual
							u.place()
							tried++
							if err := sound(u); err != nil {
								t.Fatalf("%+v, %d heads, window %v × %v, pins %v, actual %v: %v", p, heads, size, scale, pins, actual, err)
							}
							if heads == 3 {
								roundTrip(t, u)
							}
						}
					}
				}
			}
		}
	}
	if tried < 5000 {
		t.Errorf("only %d layouts were tried", tried)
	}
}

// roundTrip: the middle and the corners of what is drawn of a patch are that patch, and
// a picture at least as large as its grid shows each.
func roundTrip(t *testing.T, u *UI) {
	t.Helper()
	for i := range u.layout.Panes {
		pane, covered := u.layout.Panes[i], 0
		visible := pane.Visible()
		for patch := range u.picture.Rows * u.picture.Columns {
			box := u.PatchRect(pane, patch)
			covered += box.Dx() * box.Dy()
			if box.Empty() {
				if visible == pane.Picture && visible.Dx() >= u.picture.Columns && visible.Dy() >= u.picture.Rows {
					t.Fatalf("patch %d is nowhere in %+v", patch, pane)
				}
				continue
			}
			for _, at := range []image.Point{box.Min, box.Max.Sub(image.Pt(1, 1)), box.Min.Add(box.Max).Div(2)} {
				if got, ok := u.Patch(float64(at.X)+0.9, float64(at.Y)); !ok || got != patch {
					t.Fatalf("patch %d at %v is found as %d, %v in %+v", patch, at, got, ok, pane)
				}
			}
			if at, ok := u.middle(&pane, patch); ok && !at.In(box) || !ok && visible == pane.Picture && visible.Dx() >= u.picture.Columns && visible.Dy() >= u.picture.Rows {
				t.Fatalf("the middle of patch %d is %v, %v, which is not in %v", patch, at, ok, box)
			}
		}
		seen := 0 // pixels that are on a patch
		for y := visible.Min.Y; y < visible.Max.Y; y++ {
			for x := visible.Min.X; x < visible.Max.X; x++ {
				if _, ok := u.Patch(float64(x), float64(y)); ok || u.picture.Seen == (image.Point{}) {
					seen++
				}
			}
		}
		if covered != seen {
			t.Fatalf("patches cover %d of %d pixels of %+v", covered, seen, pane)
		}
	}
}

// A picture that fits and fills half the pane is not scaled; all keep their aspect.
func TestScale(t *testing.T) {
	for _, test := range []struct {
		p      Picture
		window image.Point
		scaled bool
	}{
		{Picture{Width: 500, Height: 400, Rows: 10, Columns: 10}, image.Pt(900, 700), false},
		{Picture{Width: 600, Height: 100, Rows: 10, Columns: 10}, image.Pt(900, 700), false},
		{Picture{Width: 200, Height: 150, Rows: 10, Columns: 10}, image.Pt(900, 700), true},
		{Picture{Width: 3000, Height: 1000, Rows: 10, Columns: 10}, image.Pt(900, 700), true},
	} {
		u := sample(test.p, 1)
		u.choice.Strip = false
		u.Handle(Resize{test.window.X, test.window.Y, 1})
		pane := u.Layout().Panes[0]
		size := pane.Picture.Size()
		if scaled := size != image.Pt(test.p.Width, test.p.Height); scaled != test.scaled {
			t.Errorf("%+v in %v is %v large", test.p, pane.Area, size)
		}
		if off := size.X*test.p.Height - size.Y*test.p.Width; max(off, -off) > max(test.p.Width, test.p.Height) {
			t.Errorf("%+v is %v large: another aspect", test.p, size)
		}
		if a, b := pane.Picture.Min.Sub(pane.Area.Min), pane.Area.Max.Sub(pane.Picture.Max); max(a.X-b.X, b.X-a.X) > 1 || max(a.Y-b.Y, b.Y-a.Y) > 1 {
			t.Errorf("%v is not in the middle of %v", pane.Picture, pane.Area)
		}
	}
}

// At actual size a picture larger than the window is moved by a right click, never
// beyond its borders.
func TestActualMoves(t *testing.T) {
	u := sample(Picture{Width: 4000, Height: 3000, Rows: 30, Columns: 40}, 1)
	u.Handle(Key{Name: "z"})
	for range 20 {
		corner := u.layout.Panes[0].Area.Min
		u.Handle(Move{float64(corner.X), float64(corner.Y)})
		u.Handle(Click{Right})
	}
	if p := u.layout.Panes[0]; p.Picture.Min != p.Area.Min || p.Picture.Size() != image.Pt(4000, 3000) {
		t.Errorf("the picture is at %v of %v", p.Picture, p.Area)
	}
	if patch, ok := u.Hover(); !ok || patch != 0 {
		t.Errorf("the corner is patch %d, %v", patch, ok)
	}
}

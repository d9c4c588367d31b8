package viewer

import (
	"image"
	"math"
)

// Layout is where everything stands, in pixels of the framebuffer. What has no room is
// an empty rectangle, and lists are shorter then.
type Layout struct {
	Panes  []Pane
	Tiles  []Tile            // a tile for each head, by heads; none without the strip
	Status []image.Rectangle // lines of text at the bottom: image, map, mask
}

// Pane is a place for the photograph with a map.
type Pane struct {
	Area    image.Rectangle // room for the picture, with the line below a smaller one
	Picture image.Rectangle // where the whole picture would be; larger than Area at most when Choice.Actual
	Patch   int             // whose map is shown; −1 for none, and for ShowClass, which needs none

	// The line below the picture: what is seen, and the colours with their range.
	Caption, Low, Bar, High image.Rectangle
}

// Visible is the part of the picture that is seen.
func (p *Pane) Visible() image.Rectangle { return p.Picture.Intersect(p.Area) }

// Tile is a small map of one head at the side.
type Tile struct {
	Head  int
	Frame image.Rectangle // a click here chooses the head
	Map   image.Rectangle // inside Frame
	Label image.Rectangle // inside Map; empty where it would hide too much
}

// place lays the window out anew.
func (u *UI) place() {
	u.layout = Layout{}
	f, window := u.fonts, image.Rectangle{Max: u.size}
	pad := f.px(8)
	body := u.placeStatus(window, pad)
	body = shrink(body, pad)
	if !u.picture.empty() {
		body = u.placeTiles(body, pad)
	}
	u.placePanes(body, pad)
	if patch, ok := u.Hover(); ok && len(u.pins) == 0 && u.choice.Show != ShowClass {
		u.layout.Panes[0].Patch = patch
	}
}

// shrink is a rectangle without a border; empty at the same corner if nothing is left.
func shrink(r image.Rectangle, by int) image.Rectangle {
	if r.Dx() <= 2*by || r.Dy() <= 2*by {
		return image.Rectangle{}
	}
	return r.Inset(by)
}

// placeStatus takes up to three lines at the bottom, a third of the window at most,
// and gives back the rest.
func (u *UI) placeStatus(window image.Rectangle, pad int) image.Rectangle {
	line := u.fonts.line()
	n := min(3, (window.Dy()/3-pad)/line)
	if n < 1 || window.Dx() < 4*pad {
		return window
	}
	top := window.Max.Y - pad - n*line
	for i := range n {
		y := top + i*line
		u.layout.Status = append(u.layout.Status, image.Rect(window.Min.X+pad, y, window.Max.X-pad, y+line))
	}
	window.Max.Y = top
	return window
}

// placeTiles puts the heads' maps at the right, in as many columns as make them
// largest, and gives back what is left at the left.
func (u *UI) placeTiles(body image.Rectangle, pad int) image.Rectangle {
	heads := u.model.Heads
	if !u.choice.Strip || heads < 1 {
		return body
	}
	gap := u.fonts.px(4)
	var best, shape image.Point // of a tile; columns and rows
	for columns := 1; columns <= heads; columns++ {
		rows := (heads + columns - 1) / columns
		room := image.Pt((body.Dx()*3/10-(columns-1)*gap)/columns, (body.Dy()-(rows-1)*gap)/rows)
		room.X = min(room.X, u.fonts.px(170))
		if size := fit(u.picture, room); size.X*size.Y > best.X*best.Y {
			best, shape = size, image.Pt(columns, rows)
		}
	}
	if min(best.X, best.Y) < u.fonts.px(12) {
		return body
	}
	width := shape.X*best.X + (shape.X-1)*gap
	left := body.Max.X - width
	for h := range heads {
		at := image.Pt(left+h%shape.X*(best.X+gap), body.Min.Y+h/shape.X*(best.Y+gap))
		u.layout.Tiles = append(u.layout.Tiles, u.tile(h, image.Rectangle{Min: at, Max: at.Add(best)}))
	}
	body.Max.X = max(left-pad, body.Min.X)
	return body
}

func (u *UI) tile(head int, frame image.Rectangle) Tile {
	f := u.fonts
	t := Tile{Head: head, Frame: frame, Map: frame.Inset(f.px(1))}
	size := image.Pt(f.regular.Width("00")+f.px(6), f.regular.Height())
	if size.X*2 <= t.Map.Dx() && size.Y*2 <= t.Map.Dy() {
		t.Label = image.Rectangle{Min: t.Map.Min, Max: t.Map.Min.Add(size)}
	}
	return t
}

// placePanes divides what is left: one pane, or two, side by side or one above the
// other, whichever shows more.
func (u *UI) placePanes(body image.Rectangle, pad int) {
	patches := u.paned()
	if len(patches) == 1 {
		u.layout.Panes = []Pane{u.pane(body, patches[0])}
		return
	}
	beside := func(r image.Rectangle) (a, b image.Rectangle) {
		a, b = r, r
		a.Max.X = r.Min.X + max((r.Dx()-pad)/2, 0)
		b.Min.X = min(a.Max.X+pad, r.Max.X)
		return a, b
	}
	below := func(r image.Rectangle) (a, b image.Rectangle) {
		a, b = r, r
		a.Max.Y = r.Min.Y + max((r.Dy()-pad)/2, 0)
		b.Min.Y = min(a.Max.Y+pad, r.Max.Y)
		return a, b
	}
	var best []Pane
	for _, split := range []func(image.Rectangle) (a, b image.Rectangle){beside, below} {
		a, b := split(body)
		panes := []Pane{u.pane(a, patches[0]), u.pane(b, patches[1])}
		if best == nil || area(panes) > area(best) {
			best = panes
		}
	}
	u.layout.Panes = best
}

// area is that of the picture that is seen, in the smaller pane.
func area(panes []Pane) int {
	least := math.MaxInt
	for i := range panes {
		size := panes[i].Visible().Size()
		least = min(least, size.X*size.Y)
	}
	return least
}

// paned says which pinned patches have a pane: one pane, or two for two pins.
func (u *UI) paned() []int {
	if len(u.pins) == 0 || u.choice.Show == ShowClass || u.picture.empty() {
		return []int{-1}
	}
	return u.pins
}

// pane lays out one pane. The line below the picture follows it, as wide as it where
// that has room for both.
func (u *UI) pane(r image.Rectangle, patch int) Pane {
	f := u.fonts
	p := Pane{Patch: patch, Area: r}
	foot := f.line() + f.px(4)
	with := !u.picture.empty() && r.Dy() >= 4*foot
	if with {
		p.Area.Max.Y -= foot
	}
	p.Picture = u.placePicture(p.Area)
	if with {
		line, seen := r, p.Visible()
		if seen.Dx() >= f.px(360) {
			line.Min.X, line.Max.X = seen.Min.X, seen.Max.X
		}
		line.Min.Y = seen.Max.Y + f.px(4)
		line.Max.Y = line.Min.Y + f.line()
		u.foot(&p, line)
	}
	return p
}

// foot divides the line below a picture: the bar of colours between its two values at
// the right, half the line at most, the caption at the left.
func (u *UI) foot(p *Pane, r image.Rectangle) {
	f := u.fonts
	label, bar, gap := f.mono.Width(widestValue), f.px(140), f.px(6)
	p.Caption = r
	bar = min(bar, r.Dx()/2-2*label-3*gap)
	if bar < f.px(24) {
		return
	}
	cell := func(width int) image.Rectangle {
		c := image.Rect(p.Caption.Max.X-width, r.Min.Y, p.Caption.Max.X, r.Max.Y)
		p.Caption.Max.X -= width + gap
		return c
	}
	p.High = cell(label)
	p.Bar = cell(bar)
	p.Bar.Min.Y, p.Bar.Max.Y = p.Bar.Min.Y+f.px(4), p.Bar.Max.Y-f.px(4)
	p.Low = cell(label)
}

// fit is the largest size of the picture's aspect that fits, at least a pixel.
func fit(p Picture, room image.Point) image.Point {
	if room.X < 1 || room.Y < 1 {
		return image.Point{}
	}
	scale := min(float64(room.X)/float64(p.Width), float64(room.Y)/float64(p.Height))
	side := func(n, most int) int { return min(max(int(math.Round(float64(n)*scale)), 1), most) }
	return image.Pt(side(p.Width, room.X), side(p.Height, room.Y))
}

// placePicture puts the picture into the middle of an area: pixel for pixel where it
// fits so and is not smaller than half of it, else as large as fits. At actual size it
// is always pixel for pixel, and what is larger than the area shows the part around
// the centre that was chosen.
func (u *UI) placePicture(area image.Rectangle) image.Rectangle {
	p := u.picture
	if p.empty() || area.Empty() {
		return image.Rectangle{}
	}
	size, whole := fit(p, area.Size()), image.Pt(p.Width, p.Height)
	fits := whole.X <= area.Dx() && whole.Y <= area.Dy()
	if u.choice.Actual || fits && (2*whole.X >= area.Dx() || 2*whole.Y >= area.Dy()) {
		size = whole
	}
	at := image.Pt(start(size.X, area.Dx(), u.centre.X), start(size.Y, area.Dy(), u.centre.Y))
	at = at.Add(area.Min)
	return image.Rectangle{Min: at, Max: at.Add(size)}
}

// start is where a picture's side begins in a room: in the middle if it fits, else so
// that the pixel centre is in the middle, but without a margin at an end.
func start(size, room, centre int) int {
	if size <= room {
		return (room - size) / 2
	}
	return min(max(room/2-centre, room-size), 0)
}

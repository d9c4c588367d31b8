package viewer

import (
	"image"
	"image/color"
	"image/draw"
	"reflect"
	"strconv"

	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// Background is the colour around pictures and behind text, opaque. The overlay
// leaves it to the program.
var Background = color.RGBA{0x16, 0x18, 0x1d, 255}

// The colours of text and marks.
var (
	bright = color.RGBA{0xe8, 0xea, 0xed, 255}
	dim    = color.RGBA{0x9a, 0xa0, 0xa8, 255}
	shade  = color.RGBA{0x0a, 0x0b, 0x0e, 0xd8} // behind text on a picture
	panel  = color.RGBA{0x10, 0x12, 0x16, 255}
	warn   = color.RGBA{0xff, 0x8a, 0x80, 255}
	dark   = color.RGBA{0, 0, 0, 255}
	hover  = color.RGBA{255, 255, 255, 255}
	pinned = [2]color.RGBA{{0xff, 0xb3, 0x00, 255}, {0x4f, 0xc3, 0xf7, 255}}
	rule   = color.RGBA{0x3a, 0x3f, 0x47, 255}
)

// drawn is all that an overlay depends on.
type drawn struct {
	into    *image.RGBA
	bounds  image.Rectangle
	choice  Choice
	layout  Layout
	picture Picture
	pins    []int
	hover   int
	name    string
	at, of  int
	notice  string
	helpAt  int
	info    Info
}

// Overlay draws text and marks over the whole of into, which has UI.Size, as
// premultiplied RGBA: what it leaves transparent is the picture or Background. It
// reports whether it drew; if not, into is as the last call left it.
func (u *UI) Overlay(info Info, into *image.RGBA) bool {
	hovered, ok := u.Hover()
	if !ok {
		hovered = -1
	}
	info.Ranges = append([]Range(nil), info.Ranges...)
	info.Objects = append([]float64(nil), info.Objects...)
	now := drawn{into, into.Rect, u.choice, u.layout, u.picture, u.Pins(), hovered, u.name(), u.at, len(u.images), u.notice, u.helpAt, info}
	if reflect.DeepEqual(now, u.drawn) {
		return false
	}
	u.drawn = now
	clear(into.Pix)
	p := painter{u.fonts, into}
	u.drawMarks(p, hovered)
	u.drawFeet(p, &info)
	u.drawTiles(p)
	u.drawStatus(p, &info)
	u.drawMessages(p, &info)
	if u.choice.Help {
		u.drawHelp(p)
	}
	return true
}

// painter draws inside boxes.
type painter struct {
	*fonts
	out *image.RGBA
}

// Where a text stands in its box.
type align int

const (
	left align = iota
	centre
	right
)

// text writes a line into a box, in the middle of its height, with an ellipsis where
// it is too long. Nothing is drawn outside the box.
func (p painter) text(box image.Rectangle, f *show.Font, where align, text string, c color.Color) {
	if box.Empty() {
		return
	}
	text = f.Fit(text, box.Dx())
	at := image.Pt(box.Min.X, box.Min.Y+(box.Dy()-f.Height())/2)
	switch spare := box.Dx() - f.Width(text); where {
	case centre:
		at.X += spare / 2
	case right:
		at.X += spare
	}
	f.Draw(p.out.SubImage(box).(*image.RGBA), at, text, c)
}

func (p painter) fill(box image.Rectangle, c color.Color) {
	draw.Draw(p.out, box, image.NewUniform(c), image.Point{}, draw.Over)
}

// frame draws a line of a thickness along the inner edge of a box.
func (p painter) frame(box image.Rectangle, thickness int, c color.Color) {
	inner := box.Inset(thickness)
	if inner.Empty() {
		p.fill(box, c)
		return
	}
	p.fill(image.Rect(box.Min.X, box.Min.Y, box.Max.X, inner.Min.Y), c)
	p.fill(image.Rect(box.Min.X, inner.Max.Y, box.Max.X, box.Max.Y), c)
	p.fill(image.Rect(box.Min.X, inner.Min.Y, inner.Min.X, inner.Max.Y), c)
	p.fill(image.Rect(inner.Max.X, inner.Min.Y, box.Max.X, inner.Max.Y), c)
}

// outline is a line around a box with a dark one around that, inside limit: it is
// seen on any picture.
func (p painter) outline(box, limit image.Rectangle, c color.Color) {
	line := p.px(1)
	box = box.Intersect(limit.Inset(2 * line)) // a patch at the edge has its line, too
	part := painter{p.fonts, p.out.SubImage(limit).(*image.RGBA)}
	part.frame(box.Inset(-2*line), line, dark)
	part.frame(box.Inset(-line), line, c)
	if min(box.Dx(), box.Dy()) > 4*line {
		part.frame(box, line, dark)
	}
}

// drawMarks outlines the pins and the patch under the mouse in every pane.
func (u *UI) drawMarks(p painter, hovered int) {
	for _, pane := range u.layout.Panes {
		visible := pane.Visible()
		for i, pin := range u.pins {
			u.drawPin(p, pane, i, u.PatchRect(pane, pin))
		}
		if box := u.PatchRect(pane, hovered); !box.Empty() {
			p.outline(box, visible, hover)
		}
	}
}

// drawPin outlines a pinned patch, with its letter at the corner that has room.
func (u *UI) drawPin(p painter, pane Pane, i int, box image.Rectangle) {
	if box.Empty() {
		return
	}
	visible := pane.Visible()
	p.outline(box, visible, pinned[i])
	size := image.Pt(p.regular.Width("A")+p.px(6), p.regular.Height())
	tag := image.Rectangle{Max: size}.Add(image.Pt(box.Min.X, box.Min.Y-size.Y-2*p.px(1)))
	if tag.Min.Y < visible.Min.Y {
		tag = tag.Add(image.Pt(0, box.Max.Y+2*p.px(1)-tag.Min.Y))
	}
	if tag.Max.X > visible.Max.X {
		tag = tag.Sub(image.Pt(tag.Max.X-visible.Max.X, 0))
	}
	if tag.In(visible) {
		p.fill(tag, pinned[i])
		p.text(tag, p.regular, centre, pinNames[i], dark)
	}
}

// drawFeet draws the line below each pane: caption, and the bar of colours with its range.
func (u *UI) drawFeet(p painter, info *Info) {
	colours := &ColourMaps()[u.choice.Colours].Colours
	for i, pane := range u.layout.Panes {
		if u.picture.empty() {
			continue
		}
		p.text(pane.Caption, p.regular, left, u.caption(i), u.captionColour(i))
		if i >= len(info.Ranges) || pane.Bar.Empty() {
			continue
		}
		p.text(pane.Low, p.mono, right, value(info.Ranges[i].Low), dim)
		p.text(pane.High, p.mono, left, value(info.Ranges[i].High), dim)
		for x := pane.Bar.Min.X; x < pane.Bar.Max.X; x++ {
			at := (x - pane.Bar.Min.X) * (len(colours) - 1) / max(pane.Bar.Dx()-1, 1)
			p.fill(image.Rect(x, pane.Bar.Min.Y, x+1, pane.Bar.Max.Y), colours[at])
		}
	}
}

func (u *UI) captionColour(pane int) color.RGBA {
	if len(u.pins) > 0 && u.choice.Show != ShowClass {
		return pinned[pane]
	}
	return bright
}

// drawTiles numbers the heads and frames the one that is chosen.
func (u *UI) drawTiles(p painter) {
	for _, t := range u.layout.Tiles {
		if t.Head == u.choice.Head {
			p.frame(t.Frame, max(p.px(2), 2), hover)
		} else {
			p.frame(t.Frame, 1, rule)
		}
		if !t.Label.Empty() {
			p.fill(t.Label, shade)
			p.text(t.Label, p.regular, centre, strconv.Itoa(t.Head), bright)
		}
	}
}

// drawStatus writes the lines at the bottom. At the right, where half of the line or what
// the left leaves of it has room, stand the model, the way to the help, and the times.
func (u *UI) drawStatus(p painter, info *Info) {
	always := func(text string) func(func(string) bool) string {
		return func(fits func(string) bool) string {
			if fits(text) {
				return text
			}
			return ""
		}
	}
	sides := []struct {
		left  []part
		right func(fits func(string) bool) string
		font  *show.Font
	}{
		{u.aboutImage(info), always(quote.Line(u.model.Name) + separator + quote.Line(u.model.Device)), p.regular},
		{u.aboutMap(), always("?  all keys"), p.regular},
		{u.aboutMask(info), info.Times.within, p.mono},
	}
	gap := p.px(16)
	for i, box := range u.layout.Status {
		s := sides[i]
		c := dim
		if i == 0 || i == 2 && u.notice != "" {
			c = bright
		}
		width := box.Dx()
		room := width - gap - p.regular.Width(join(p.regular, width, s.left...))
		if i < 2 || u.notice == "" { // a notice is told whole
			room = max(width/2, room)
		}
		if text := s.right(func(text string) bool { return s.font.Width(text) <= room }); text != "" {
			p.text(box, s.font, right, text, dim)
			width -= s.font.Width(text) + gap
		}
		box.Max.X = box.Min.X + width
		p.text(box, p.regular, left, join(p.regular, width, s.left...), c)
	}
}

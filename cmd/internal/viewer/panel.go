package viewer

import (
	"fmt"
	"image"
	"strings"

	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// drawMessages writes what is being done into the corner of the first pane, and an
// error into its middle.
func (u *UI) drawMessages(p painter, info *Info) {
	pane := u.layout.Panes[0]
	if info.Error != "" {
		u.drawError(p, pane.Area, quote.Line(info.Error))
	} else if u.picture.empty() && info.Busy == "" && len(u.images) == 0 {
		p.text(pane.Area, p.regular, centre, u.name(), dim)
	}
	if info.Busy == "" {
		return
	}
	text, pad := quote.Line(info.Busy)+" …", p.px(6)
	box := image.Rectangle{Max: image.Pt(p.regular.Width(text)+2*pad, p.line()+pad)}
	at := pane.Visible()
	if at.Empty() {
		at = pane.Area
	}
	box = box.Add(at.Min.Add(image.Pt(pad, pad))).Intersect(pane.Area)
	if p.fill(box, shade); box.Dx() > 2*pad {
		box.Min.X, box.Max.X = box.Min.X+pad, box.Max.X-pad
		p.text(box, p.regular, left, text, bright)
	}
}

// drawError writes a message on lines, in a box that is as wide as they are.
func (u *UI) drawError(p painter, area image.Rectangle, message string) {
	pad := p.px(12)
	room := area.Inset(pad).Size()
	if area.Dx() <= 2*pad || area.Dy() <= 2*pad {
		return
	}
	most := max(room.Y/p.line(), 1)
	lines := wrap(p.regular, message, min(room.X, p.px(560)), most)
	width := 0
	for _, l := range lines {
		width = max(width, p.regular.Width(l))
	}
	size := image.Pt(width, len(lines)*p.line())
	at := area.Min.Add(area.Size().Sub(size).Div(2))
	box := image.Rectangle{Min: at, Max: at.Add(size)}
	p.fill(box.Inset(-pad).Intersect(area), shade)
	for i, l := range lines {
		p.text(image.Rect(box.Min.X, box.Min.Y+i*p.line(), box.Max.X, box.Min.Y+(i+1)*p.line()).Intersect(area), p.regular, left, l, warn)
	}
}

// wrap breaks a text at spaces, and where a word is longer than a line inside it. What
// goes beyond the last line ends in an ellipsis.
func wrap(f *show.Font, text string, width, most int) []string {
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			for longer := line + " " + word; ; longer = line + " " + word {
				longer = strings.TrimPrefix(longer, " ")
				if f.Width(longer) <= width {
					line = longer
					break
				}
				if line == "" {
					head := longest(f, word, width)
					lines, word = append(lines, head), word[len(head):]
					continue
				}
				lines, line = append(lines, line), ""
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > most {
		lines[most-1] = f.Fit(lines[most-1]+" "+lines[most]+strings.Repeat(" ", width), width)
		lines = lines[:most]
	}
	return lines
}

// longest is as much of a word's beginning as fits, at least a character.
func longest(f *show.Font, word string, width int) string {
	end := len(word)
	for i := range word {
		if i > 0 && f.Width(word[:i]) > width {
			break
		}
		end = i
	}
	if end == 0 {
		for i := range word {
			if i > 0 {
				return word[:i]
			}
		}
		return word
	}
	return word[:end]
}

// helpRow is a row of the help.
type helpRow struct{ key, does string }

// helpRows are those of the table of keys, and of the mouse.
func helpRows() []helpRow {
	var rows []helpRow
	for _, b := range bindings() {
		rows = append(rows, helpRow{b.shown, b.does})
	}
	for _, g := range gestures() {
		rows = append(rows, helpRow{g[0], g[1]})
	}
	return rows
}

// helpShape is how the rows stand: columns of so many rows, each row of a height.
type helpShape struct {
	fonts        *fonts
	columns, per int
	keys, does   int // widths in pixels
	pad, gap     int
	size         image.Point // of the panel
}

// shapeHelp finds the largest text, and with it the fewest columns, in which all rows
// fit; where nothing does, the smallest, whose rows are cut.
func (u *UI) shapeHelp(rows []helpRow) helpShape {
	var s helpShape
	for _, shrink := range []float64{1, 0.9, 0.8} {
		f := u.fonts
		if shrink < 1 {
			f = newFonts(f.scale * shrink)
		}
		s = helpShape{fonts: f, pad: f.px(16), gap: f.px(10)}
		for _, r := range rows {
			s.keys, s.does = max(s.keys, f.mono.Width(r.key)), max(s.does, f.regular.Width(r.does))
		}
		for s.columns = 1; s.columns <= 3; s.columns++ {
			s.per = (len(rows) + s.columns - 1) / s.columns
			s.size = image.Pt(s.columns*(s.keys+s.gap+s.does)+(s.columns-1)*3*s.gap+2*s.pad, s.per*f.line()+2*s.pad)
			if s.size.X <= u.size.X && s.size.Y <= u.size.Y {
				return s
			}
		}
	}
	f := s.fonts
	s.columns, s.per = 1, min(max((u.size.Y-2*s.pad)/f.line(), 0), len(rows))
	s.does = min(s.does, max(u.size.X-2*s.pad-s.keys-s.gap, 0))
	s.size = image.Pt(s.keys+s.gap+s.does+2*s.pad, s.per*f.line()+2*s.pad)
	return s
}

// moreHelp turns to the rows of the help that have no room yet; false: there are none.
func (u *UI) moreHelp() bool {
	s := u.shapeHelp(helpRows())
	if room := s.columns * s.per; room > 1 && len(helpRows())-u.helpAt > room {
		u.helpAt += room - 1 // the last row says that there are more
		return true
	}
	return false
}

// drawHelp draws the panel with all keys.
func (u *UI) drawHelp(p painter) {
	rows := helpRows()
	s := u.shapeHelp(rows)
	p.fonts = s.fonts
	window := image.Rectangle{Max: u.size}
	at := u.size.Sub(s.size).Div(2)
	box := image.Rectangle{Min: at, Max: at.Add(s.size)}.Intersect(window)
	p.fill(box, panel)
	p.frame(box, p.px(1), rule)
	rows = rows[u.helpAt:]
	if shown := s.columns * s.per; shown < len(rows) && shown > 0 {
		rows = append(rows[:shown-1], helpRow{"?", fmt.Sprintf("%d more", len(rows)-shown+1)})
	}
	for i, r := range rows[:min(len(rows), s.columns*s.per)] {
		x := at.X + s.pad + i/max(s.per, 1)*(s.keys+s.gap+s.does+3*s.gap)
		y := at.Y + s.pad + i%max(s.per, 1)*p.line()
		p.text(image.Rect(x, y, x+s.keys, y+p.line()).Intersect(window), p.mono, right, r.key, bright)
		x += s.keys + s.gap
		p.text(image.Rect(x, y, x+s.does, y+p.line()).Intersect(window), p.regular, left, r.does, dim)
	}
}

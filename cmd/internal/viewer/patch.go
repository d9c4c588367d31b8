package viewer

import (
	"image"
	"sort"
)

// Patch is the patch of the grid (row·columns + column) that is seen at a position, in
// whichever pane.
func (u *UI) Patch(x, y float64) (patch int, ok bool) {
	return u.patch(image.Pt(pixel(x), pixel(y)))
}

func (u *UI) patch(at image.Point) (int, bool) {
	p := u.layout.under(at)
	if p == nil {
		return 0, false
	}
	at = at.Sub(p.Picture.Min)
	across, down := u.picture.axes(p.Picture.Size())
	row, column := down.cell(at.Y), across.cell(at.X)
	if row >= down.cells || column >= across.cells {
		return 0, false // the strip that no patch covers
	}
	return row*u.picture.Columns + column, true
}

// under is the pane whose picture is seen at a pixel; nil for none.
func (l *Layout) under(at image.Point) *Pane {
	for i := range l.Panes {
		if at.In(l.Panes[i].Visible()) {
			return &l.Panes[i]
		}
	}
	return nil
}

// axis is a side of a picture that is drawn with n pixels: resized for the model to
// resized pixels, of which cells cover the first seen.
type axis struct{ n, resized, seen, cells int }

// axes are those of a picture that is drawn at a size.
func (p *Picture) axes(size image.Point) (across, down axis) {
	across, down = axis{size.X, p.Resized.X, p.Seen.X, p.Columns}, axis{size.Y, p.Resized.Y, p.Seen.Y, p.Rows}
	for _, a := range []*axis{&across, &down} {
		if a.seen < 1 || a.resized < a.seen {
			a.resized, a.seen = a.n, a.n
		}
	}
	return across, down
}

// cell is the cell that has pixel o, by nearest, as masks and maps are enlarged; cells
// or more behind the last.
func (a axis) cell(o int) int { return (2*o + 1) * a.resized / (2 * a.n) * a.cells / a.seen }

// first is the first pixel that lies in a cell or behind it.
func (a axis) first(c int) int { return sort.Search(a.n, func(o int) bool { return a.cell(o) >= c }) }

// PatchRect is where a patch is drawn in a pane; empty if it has no pixel that is
// seen.
func (u *UI) PatchRect(p Pane, patch int) image.Rectangle {
	if u.picture.empty() || patch < 0 || patch >= u.picture.Rows*u.picture.Columns {
		return image.Rectangle{}
	}
	row, column := patch/u.picture.Columns, patch%u.picture.Columns
	across, down := u.picture.axes(p.Picture.Size())
	r := image.Rect(across.first(column), down.first(row), across.first(column+1), down.first(row+1))
	return r.Add(p.Picture.Min).Intersect(p.Area)
}

// middle is the pixel in the middle of a patch in a pane; not ok where the patch has
// no pixel there, or it is not seen.
func (u *UI) middle(p *Pane, patch int) (at image.Point, ok bool) {
	across, down := u.picture.axes(p.Picture.Size())
	centre := func(a axis, c int) int { return (a.first(c) + a.first(c+1)) / 2 }
	at = image.Pt(centre(across, patch%u.picture.Columns), centre(down, patch/u.picture.Columns)).Add(p.Picture.Min)
	got, ok := u.patch(at)
	return at, ok && got == patch && at.In(p.Visible())
}

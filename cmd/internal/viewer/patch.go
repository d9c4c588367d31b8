package viewer

import "image"

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
	size := p.Picture.Size()
	at = at.Sub(p.Picture.Min)
	row := cell(at.Y, size.Y, u.picture.Rows)
	return row*u.picture.Columns + cell(at.X, size.X, u.picture.Columns), true
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

// cell is the cell of a grid that has pixel o of n, by nearest, as all maps are
// enlarged.
func cell(o, n, cells int) int { return (2*o + 1) * cells / (2 * n) }

// first is the first pixel of n that lies in a cell or behind it.
func first(c, n, cells int) int { return (2*n*c + cells - 1) / (2 * cells) }

// PatchRect is where a patch is drawn in a pane; empty if it has no pixel that is
// seen.
func (u *UI) PatchRect(p Pane, patch int) image.Rectangle {
	if u.picture.empty() || patch < 0 || patch >= u.picture.Rows*u.picture.Columns {
		return image.Rectangle{}
	}
	rows, columns, size := u.picture.Rows, u.picture.Columns, p.Picture.Size()
	row, column := patch/columns, patch%columns
	r := image.Rect(first(column, size.X, columns), first(row, size.Y, rows), first(column+1, size.X, columns), first(row+1, size.Y, rows))
	return r.Add(p.Picture.Min).Intersect(p.Area)
}

// middle is the pixel in the middle of a patch in a pane; not ok where the patch has
// no pixel there, or it is not seen.
func (u *UI) middle(p *Pane, patch int) (at image.Point, ok bool) {
	rows, columns, size := u.picture.Rows, u.picture.Columns, p.Picture.Size()
	centre := func(c, n, cells int) int { return (2*c + 1) * n / (2 * cells) }
	at = image.Pt(centre(patch%columns, size.X, columns), centre(patch/columns, size.Y, rows)).Add(p.Picture.Min)
	got, ok := u.patch(at)
	return at, ok && got == patch && at.In(p.Visible())
}

package show

import (
	"image"
	"image/color"

	"golang.org/x/image/draw"
)

// Sheet is a table of pictures: a row an image, a column a way to look at it.
// The zero value with a Side is ready.
type Sheet struct {
	Titles []string // above the columns; "" leaves a gap
	Side   int      // pixels: each picture fits a square of that side, aspect kept

	rows [][]image.Image
}

// Space between pictures, and around the sheet.
const gap = 6

// Add appends a row. A nil picture leaves its place empty.
func (s *Sheet) Add(row []image.Image) { s.rows = append(s.rows, row) }

// Fit is the size of a picture of width × height in the sheet.
func (s *Sheet) Fit(width, height int) (w, h int) {
	long := max(width, height)
	return max(width*s.Side/long, 1), max(height*s.Side/long, 1)
}

// Draw lays the sheet out on white. Rows are as high as their highest picture.
func (s *Sheet) Draw() *image.RGBA {
	columns := len(s.Titles)
	heights := make([]int, len(s.rows))
	for i, row := range s.rows {
		columns = max(columns, len(row))
		for _, p := range row {
			if p != nil {
				_, h := s.Fit(p.Bounds().Dx(), p.Bounds().Dy())
				heights[i] = max(heights[i], h)
			}
		}
	}
	size := max(float64(s.Side)/10, 9)
	top := gap
	if len(s.Titles) > 0 {
		top += LineHeight(size) + gap/2
	}
	height := top
	for _, h := range heights {
		height += h + gap
	}
	out := image.NewRGBA(image.Rect(0, 0, gap+(s.Side+gap)*columns, height))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	for k, title := range s.Titles {
		Label(out, image.Pt(gap+(s.Side+gap)*k, gap/2), s.Side, size, title, color.Black)
	}
	y := top
	for i, row := range s.rows {
		for k, p := range row {
			if p == nil {
				continue
			}
			w, h := s.Fit(p.Bounds().Dx(), p.Bounds().Dy())
			at := image.Pt(gap+(s.Side+gap)*k+(s.Side-w)/2, y+(heights[i]-h)/2)
			draw.CatmullRom.Scale(out, image.Rectangle{at, at.Add(image.Pt(w, h))}, p, p.Bounds(), draw.Src, nil)
		}
		y += heights[i] + gap
	}
	return out
}

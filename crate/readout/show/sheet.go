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

	rows [][]image.Image // scaled
}

// Space between pictures, and around the sheet.
const gap = 6

// Add appends a row of pictures, scaled to fit. A nil one leaves its place empty.
func (s *Sheet) Add(row ...image.Image) {
	scaled := make([]image.Image, len(row))
	for i, p := range row {
		if p == nil {
			continue
		}
		small := image.NewRGBA(image.Rectangle{Max: s.Fit(p.Bounds().Size())})
		draw.CatmullRom.Scale(small, small.Rect, p, p.Bounds(), draw.Src, nil)
		scaled[i] = small
	}
	s.rows = append(s.rows, scaled)
}

// Fit is the size that a picture has in the sheet.
func (s *Sheet) Fit(size image.Point) image.Point {
	long := max(size.X, size.Y)
	return image.Pt(max(size.X*s.Side/long, 1), max(size.Y*s.Side/long, 1))
}

// Draw lays the sheet out on white. Rows are as high as their highest picture.
func (s *Sheet) Draw() *image.RGBA {
	columns := len(s.Titles)
	heights := make([]int, len(s.rows))
	for i, row := range s.rows {
		columns = max(columns, len(row))
		for _, p := range row {
			if p != nil {
				heights[i] = max(heights[i], p.Bounds().Dy())
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
			b := p.Bounds()
			at := image.Pt(gap+(s.Side+gap)*k+(s.Side-b.Dx())/2, y+(heights[i]-b.Dy())/2)
			draw.Draw(out, image.Rectangle{at, at.Add(b.Size())}, p, image.Point{}, draw.Src)
		}
		y += heights[i] + gap
	}
	return out
}

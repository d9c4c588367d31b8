package show

import (
	"image"
	"image/color"
	"image/draw"
	"strconv"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Row is one image of a sheet with the maps of its heads.
type Row struct {
	Image         *picture.RGB
	Maps          [][]float64 // a map a head, [Rows·Columns]
	Rows, Columns int
}

// Sheet lays out the same heads on image after image: a row an image, which
// stands first, then a heat map a head, each scaled to its own range; the
// heads' numbers stand above. A picture fits a square of that side.
func Sheet(rows []Row, heads []int, side int) *image.RGBA {
	const gap = 6
	scale := max(side/60, 1)
	top := 7*scale + 2*gap
	heights := make([]int, len(rows))
	height := top
	for i, r := range rows {
		_, heights[i] = fit(r.Image, side)
		height += heights[i] + gap
	}
	out := image.NewRGBA(image.Rect(0, 0, gap+(side+gap)*(1+len(heads)), height))
	fill(out, out.Rect, color.RGBA{255, 255, 255, 255})
	for k, head := range heads {
		number(out, image.Pt(gap+(side+gap)*(1+k), gap), head, scale, color.RGBA{40, 40, 40, 255})
	}
	y := top
	for i, r := range rows {
		w, h := fit(r.Image, side)
		put := func(column int, p *image.RGBA) {
			at := image.Pt(gap+(side+gap)*column+(side-w)/2, y)
			draw.Draw(out, image.Rectangle{at, at.Add(image.Pt(w, h))}, p, image.Point{}, draw.Src)
		}
		put(0, RGBA(picture.Resize(r.Image, w, h, picture.Bilinear)))
		for k, m := range r.Maps {
			put(1+k, HeatMap(m, r.Rows, r.Columns, w, h))
		}
		y += heights[i] + gap
	}
	return out
}

// fit is the size of a picture within a square.
func fit(p *picture.RGB, side int) (width, height int) {
	long := max(p.Width, p.Height)
	return max(p.Width*side/long, 1), max(p.Height*side/long, 1)
}

func fill(out *image.RGBA, r image.Rectangle, c color.RGBA) {
	draw.Draw(out, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// number writes digits of 5×7 dots, each dot a square of that side.
func number(out *image.RGBA, at image.Point, n, dot int, c color.RGBA) {
	digits := [10][7]uint8{ // a row a byte, the leftmost of five dots highest
		{14, 17, 19, 21, 25, 17, 14}, {4, 12, 4, 4, 4, 4, 14}, {14, 17, 1, 2, 4, 8, 31}, {31, 2, 4, 2, 1, 17, 14}, {2, 6, 10, 18, 31, 2, 2},
		{31, 16, 30, 1, 1, 17, 14}, {6, 8, 16, 30, 17, 17, 14}, {31, 1, 2, 4, 8, 8, 8}, {14, 17, 17, 14, 17, 17, 14}, {14, 17, 17, 15, 1, 2, 12}}
	for _, d := range strconv.Itoa(n) {
		if d >= '0' && d <= '9' {
			for y, row := range digits[d-'0'] {
				for x := range 5 {
					if row>>(4-x)&1 != 0 {
						p := at.Add(image.Pt(x*dot, y*dot))
						fill(out, image.Rectangle{p, p.Add(image.Pt(dot, dot))}, c)
					}
				}
			}
		}
		at.X += 6 * dot
	}
}

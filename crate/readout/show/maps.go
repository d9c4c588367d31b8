package show

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// HeatMap colours a map of rows × columns, scaled to its own range, by Viridis.
func HeatMap(m []float64, rows, columns, width, height int) *image.RGBA {
	scaled := MinMax(m)
	return cells(rows, columns, width, height, func(i int) color.RGBA { return Viridis(scaled[i]) })
}

// Patches enlarges colours [rows·columns 3], such as parts, to a picture.
func Patches(rgb []uint8, rows, columns, width, height int) *image.RGBA {
	return cells(rows, columns, width, height, func(i int) color.RGBA { return color.RGBA{rgb[3*i], rgb[3*i+1], rgb[3*i+2], 255} })
}

// cells fills a picture with the colours of a grid, by nearest: pixel o of n
// lies in cell (2o+1)·cells/2n.
func cells(rows, columns, width, height int, colour func(i int) color.RGBA) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	last := -1
	for y := range height {
		line := out.Pix[y*out.Stride:][:4*width]
		row := (2*y + 1) * rows / (2 * height)
		if row == last {
			copy(line, out.Pix[(y-1)*out.Stride:])
			continue
		}
		last = row
		for x := range width {
			c := colour(row*columns + (2*x+1)*columns/(2*width))
			line[4*x], line[4*x+1], line[4*x+2], line[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
	return out
}

// RGBA is the picture in the form that encoders and image/draw take.
func RGBA(p *picture.RGB) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for i := range p.Width * p.Height {
		copy(out.Pix[4*i:4*i+3], p.Pix[3*i:])
		out.Pix[4*i+3] = 255
	}
	return out
}

// Heads draws the maps of several heads over the image, each head in a hue of its
// own. Each map [rows·columns] is scaled to 0 … 1 first. A patch's tint is the mean
// of all heads' hues, weighted by the squares of their maps. The strength of the
// tint is the square root of the largest map value there: maps have few peaks, and
// without the root little else would be seen. Where no head looks the picture keeps
// its colours, paler and nearer to grey.
func Heads(p *picture.RGB, maps [][]float64, rows, columns int) *image.RGBA {
	scaled := make([][]float64, len(maps))
	for k, m := range maps {
		scaled[k] = MinMax(m)
	}
	type tint struct{ strength, r, g, b float64 }
	tints := make([]tint, rows*columns)
	for i := range tints {
		t, sum := &tints[i], 0.0
		for k, m := range scaled {
			c, w := Hue(k, len(maps)), m[i]*m[i]
			t.r, t.g, t.b = t.r+w*float64(c.R), t.g+w*float64(c.G), t.b+w*float64(c.B)
			t.strength, sum = max(t.strength, m[i]), sum+w
		}
		t.strength = math.Sqrt(t.strength)
		if sum > 0 {
			t.r, t.g, t.b = t.r/sum, t.g/sum, t.b/sum
		}
	}
	out := RGBA(p)
	for y := range p.Height {
		for x := range p.Width {
			px := out.Pix[y*out.Stride+4*x:][:3]
			t := tints[(2*y+1)*rows/(2*p.Height)*columns+(2*x+1)*columns/(2*p.Width)]
			luma := 0.299*float64(px[0]) + 0.587*float64(px[1]) + 0.114*float64(px[2])
			for c, hue := range [3]float64{t.r, t.g, t.b} {
				// The hue carries the picture's lightness, so that edges stay visible.
				lit := hue * (0.6 + 0.4*luma/255)
				dim := 0.25*float64(px[c]) + 0.45*luma
				px[c] = uint8(math.Round(dim + 0.9*t.strength*(lit-dim)))
			}
		}
	}
	return out
}

// Legend is a bar of the heads' hues, numbered as they are given.
func Legend(heads []int, side int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, side*len(heads), side))
	for k, head := range heads {
		box := image.Rect(k*side, 0, (k+1)*side, side)
		draw.Draw(out, box, image.NewUniform(Hue(k, len(heads))), image.Point{}, draw.Src)
		Label(out, box.Min.Add(image.Pt(side/8, side/8)), side, float64(side)/2, strconv.Itoa(head), color.White)
	}
	return out
}

// Package paint draws what people look at: masks over images, heat maps,
// sheets.
package paint

import (
	"image"
	"image/color"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Palette is the colour of object k: distinct hues of similar lightness.
func Palette(k int) color.RGBA {
	colours := [...]color.RGBA{{255, 56, 92, 255}, {0, 170, 255, 255}, {255, 190, 0, 255}, {40, 200, 110, 255}, {170, 90, 255, 255}, {255, 120, 30, 255}, {0, 200, 190, 255}, {240, 80, 200, 255}}
	return colours[k%len(colours)]
}

// Overlay draws masks over an image: what is inside keeps its colours under a
// tint and gets an outline, what is outside all masks is dimmed and loses some
// colour.
func Overlay(img *picture.RGB, masks []*readout.Mask) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	w, h := img.Width, img.Height
	line := max(1, min(w, h)/200) // half the width of the outline
	for y := range h {
		for x := range w {
			i := y*w + x
			r, g, b := int(img.Pix[3*i]), int(img.Pix[3*i+1]), int(img.Pix[3*i+2])
			k, edge := owner(masks, x, y, line)
			switch {
			case k < 0:
				gray := (77*r + 150*g + 29*b) >> 8
				r, g, b = (r+gray)*3/8, (g+gray)*3/8, (b+gray)*3/8
			case edge:
				c := Palette(k)
				r, g, b = int(c.R), int(c.G), int(c.B)
			default:
				c := Palette(k)
				r, g, b = (3*r+int(c.R))/4, (3*g+int(c.G))/4, (3*b+int(c.B))/4
			}
			out.SetRGBA(x, y, color.RGBA{uint8(r), uint8(g), uint8(b), 255})
		}
	}
	return out
}

// owner is the first mask that holds a pixel, −1 if none does, and whether the
// pixel lies within line of its border. The border of the image is none.
func owner(masks []*readout.Mask, x, y, line int) (k int, edge bool) {
	for k, m := range masks {
		if m.Pix[y*m.Width+x] == 0 {
			continue
		}
		for _, d := range [...][2]int{{line, 0}, {-line, 0}, {0, line}, {0, -line}} {
			nx, ny := x+d[0], y+d[1]
			if nx >= 0 && ny >= 0 && nx < m.Width && ny < m.Height && m.Pix[ny*m.Width+nx] == 0 {
				return k, true
			}
		}
		return k, false
	}
	return -1, false
}

// Package paint draws what people look at: masks over images, heat maps,
// sheets.
package paint

import (
	"image"
	"image/color"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// palette has distinct hues of similar lightness.
var palette = [...]color.RGBA{{255, 56, 92, 255}, {0, 170, 255, 255}, {255, 190, 0, 255}, {40, 200, 110, 255}, {170, 90, 255, 255}, {255, 120, 30, 255}, {0, 200, 190, 255}, {240, 80, 200, 255}}

// Palette is the colours of objects, which begin anew behind the last.
func Palette() []color.RGBA { return palette[:] }

// Overlay draws masks over an image: what is inside keeps its colours under a
// tint and gets an outline, what is outside all masks is dimmed and loses some
// colour.
func Overlay(img *picture.RGB, masks []*readout.Mask) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i, label := range Outlines(masks, img.Width, img.Height) {
		r, g, b := int(img.Pix[3*i]), int(img.Pix[3*i+1]), int(img.Pix[3*i+2])
		if label == 0 {
			gray := (77*r + 150*g + 29*b) >> 8
			r, g, b = (r+gray)*3/8, (g+gray)*3/8, (b+gray)*3/8
		} else if c := palette[label&^Outline-1]; label&Outline != 0 {
			r, g, b = int(c.R), int(c.G), int(c.B)
		} else {
			r, g, b = (3*r+int(c.R))/4, (3*g+int(c.G))/4, (3*b+int(c.B))/4
		}
		copy(out.Pix[4*i:], []uint8{uint8(r), uint8(g), uint8(b), 255})
	}
	return out
}

// Outline is set in the label of a pixel at a mask's border.
const Outline = 128

// Outlines are the labels of a picture's pixels [height width], to which the masks are
// brought by nearest: 0 outside all masks, else the number of its colour in the palette,
// from 1 on, of the first mask that holds it, with Outline where the border is near. The
// border of the picture is none.
func Outlines(masks []*readout.Mask, width, height int) []byte {
	labels := make([]byte, width*height)
	line := max(1, min(width, height)/200) // half the width of the outline
	for k := len(masks) - 1; k >= 0; k-- { // the first mask is drawn last
		outline(labels, masks[k], width, height, line, byte(k%len(palette)+1))
	}
	return labels
}

func outline(labels []byte, m *readout.Mask, width, height, line int, label byte) {
	xs, ys := nearest(width, m.Width), nearest(height, m.Height)
	for y := range height {
		row := m.Pix[ys[y]*m.Width:][:m.Width]
		up, down := m.Pix[ys[max(y-line, 0)]*m.Width:][:m.Width], m.Pix[ys[min(y+line, height-1)]*m.Width:][:m.Width]
		if y < line {
			up = row
		}
		if y+line >= height {
			down = row
		}
		for x, sx := range xs {
			if row[sx] == 0 {
				continue
			}
			at := label
			if up[sx] == 0 || down[sx] == 0 || x >= line && row[xs[x-line]] == 0 || x+line < width && row[xs[x+line]] == 0 {
				at |= Outline
			}
			labels[y*width+x] = at
		}
	}
}

// nearest are the pixels of a side of so many that each of n pixels takes.
func nearest(n, of int) []int {
	list := make([]int, n)
	for o := range list {
		list[o] = (2*o + 1) * of / (2 * n)
	}
	return list
}

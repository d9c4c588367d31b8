package readout

import (
	"image"
	"image/color"
)

// ColorModel is gray: At converts to 0 or 255.
func (m *Mask) ColorModel() color.Model { return color.GrayModel }

// Bounds are those of the original image.
func (m *Mask) Bounds() image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }

// At is opaque white where the mask is set, else clear, which is black without its alpha.
func (m *Mask) At(x, y int) color.Color {
	if !image.Pt(x, y).In(m.Bounds()) {
		return color.Alpha{}
	}
	return color.Alpha{A: m.Pix[y*m.Width+x]}
}

// Gray is the mask as a picture of the standard library, white on black. They share
// their pixels.
func (m *Mask) Gray() *image.Gray {
	return &image.Gray{Pix: m.Pix, Stride: m.Width, Rect: m.Bounds()}
}

// Alpha is the mask as an alpha channel of the standard library, which package draw has
// fast paths for. They share their pixels.
func (m *Mask) Alpha() *image.Alpha {
	return &image.Alpha{Pix: m.Pix, Stride: m.Width, Rect: m.Bounds()}
}

package picture

import (
	"image"
	"image/color"
)

// RGB is a picture of 8-bit samples, red, green, blue interleaved, row by row from
// the top left: pixel (x, y) is Pix[3·(y·Width+x):][:3]. It is an [image.Image].
type RGB struct {
	Width, Height int
	Pix           []uint8 // [Height Width 3]
}

// Gray is a picture or a mask of 8-bit samples, row by row from the top left.
type Gray struct {
	Width, Height int
	Pix           []uint8 // [Height Width]
}

// NewRGB returns a black picture.
func NewRGB(width, height int) *RGB {
	return &RGB{width, height, make([]uint8, 3*width*height)}
}

// NewGray returns a black picture.
func NewGray(width, height int) *Gray {
	return &Gray{width, height, make([]uint8, width*height)}
}

// ColorModel is part of image.Image.
func (p *RGB) ColorModel() color.Model { return color.RGBAModel }

// Bounds is part of image.Image; they start at (0, 0).
func (p *RGB) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// At is part of image.Image.
func (p *RGB) At(x, y int) color.Color {
	if !(image.Point{X: x, Y: y}).In(p.Bounds()) {
		return color.RGBA{}
	}
	i := 3 * (y*p.Width + x)
	return color.RGBA{p.Pix[i], p.Pix[i+1], p.Pix[i+2], 255}
}

// TopLeft is the top left width × height of a picture, which shares its pixels
// where whole rows are taken.
func (p *RGB) TopLeft(width, height int) *RGB {
	if p.Width == width {
		return &RGB{Width: width, Height: height, Pix: p.Pix[:3*width*height]}
	}
	out := make([]byte, 0, 3*width*height)
	for y := range height {
		out = append(out, p.Pix[3*y*p.Width:3*(y*p.Width+width)]...)
	}
	return &RGB{Width: width, Height: height, Pix: out}
}

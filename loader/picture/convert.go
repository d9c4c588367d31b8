package picture

import (
	"image"
	"image/color"
)

// FromImage converts a picture that a Go program already has, as [Decode] would: no
// blending, 16-bit samples by their high byte, premultiplied colour divided by its
// alpha, YCbCr with smoothed chroma. It doesn't modify or keep img, except that an
// *RGB is returned as it is. An empty picture gives an empty one.
func FromImage(img image.Image) *RGB {
	if p, ok := img.(*RGB); ok {
		return p
	}
	return fromImage(img, false)
}

// convert converts what a decoder returned, after a look at its size.
func (in *input) convert(img image.Image) (*RGB, error) {
	if err := in.checkSize(img.Bounds()); err != nil {
		return nil, err
	}
	return fromImage(img, true), nil
}

// fromImage converts img. If it is owned, its pixels may be overwritten by the
// result's, which are fewer, instead of holding both.
func fromImage(img image.Image, owned bool) *RGB {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w <= 0 || h <= 0 {
		return NewRGB(0, 0)
	}
	// rows converts row by row; size is in bytes a pixel.
	rows := func(pix []uint8, stride, size int, convert func(dst, src []uint8)) *RGB {
		p := &RGB{Width: w, Height: h}
		if owned && size >= 3 {
			p.Pix = pix[: 3*w*h : 3*w*h]
		} else {
			p.Pix = make([]uint8, 3*w*h)
		}
		for y := range h {
			convert(p.Pix[3*y*w:3*(y+1)*w], pix[y*stride:][:size*w])
		}
		return p
	}
	switch m := img.(type) {
	case *image.YCbCr:
		// Chroma of a part that begins inside a stored sample isn't the usual case.
		if m.Rect.Min == (image.Point{}) {
			return fromYCbCr(m)
		}
	case *image.NRGBA:
		return rows(m.Pix, m.Stride, 4, rowRGBX)
	case *image.RGBA:
		return rows(m.Pix, m.Stride, 4, rowRGBA)
	case *image.NRGBA64:
		return rows(m.Pix, m.Stride, 8, rowRGBX64)
	case *image.RGBA64:
		return rows(m.Pix, m.Stride, 8, rowRGBA64)
	case *image.Gray:
		return rows(m.Pix, m.Stride, 1, rowGray)
	case *image.Gray16:
		return rows(m.Pix, m.Stride, 2, rowGray16)
	case *image.CMYK:
		return rows(m.Pix, m.Stride, 4, rowCMYK)
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range m.Palette[:min(len(m.Palette), 256)] {
			table[i] = straight(c)
		}
		return rows(m.Pix, m.Stride, 1, func(dst, src []uint8) {
			for i, index := range src {
				c := &table[index]
				d := dst[3*i : 3*i+3 : 3*i+3]
				d[0], d[1], d[2] = c[0], c[1], c[2]
			}
		})
	}
	p := NewRGB(w, h)
	for y := range h {
		for x := range w {
			c := straight(img.At(b.Min.X+x, b.Min.Y+y))
			copy(p.Pix[3*(y*w+x):], c[:])
		}
	}
	return p
}

// straight returns a colour without its alpha.
func straight(c color.Color) [3]uint8 {
	switch c := c.(type) {
	case color.NRGBA:
		return [3]uint8{c.R, c.G, c.B}
	case color.NRGBA64:
		return [3]uint8{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)}
	}
	r, g, b, a := c.RGBA()
	x, y, z := divide(uint8(r>>8), uint8(g>>8), uint8(b>>8), uint8(a>>8))
	return [3]uint8{x, y, z}
}

// divide takes the alpha out of a premultiplied colour; as Pillow, it rounds down
// and leaves black where there is no alpha.
func divide(r, g, b, a uint8) (uint8, uint8, uint8) {
	switch a {
	case 255:
		return r, g, b
	case 0:
		return 0, 0, 0
	}
	by := func(v uint8) uint8 { return uint8(min(255*int(v)/int(a), 255)) }
	return by(r), by(g), by(b)
}

// The functions below convert one row. dst may be the start of src or lie before
// it: each reads a pixel before it writes one.

func rowRGBX(dst, src []uint8) {
	for i, j := 0, 0; i+3 <= len(dst) && j+4 <= len(src); i, j = i+3, j+4 {
		s, d := src[j:j+4:j+4], dst[i:i+3:i+3]
		r, g, b := s[0], s[1], s[2]
		d[0], d[1], d[2] = r, g, b
	}
}

func rowRGBA(dst, src []uint8) {
	for i, j := 0, 0; i+3 <= len(dst) && j+4 <= len(src); i, j = i+3, j+4 {
		s, d := src[j:j+4:j+4], dst[i:i+3:i+3]
		r, g, b := s[0], s[1], s[2]
		if a := s[3]; a != 255 {
			r, g, b = divide(r, g, b, a)
		}
		d[0], d[1], d[2] = r, g, b
	}
}

func rowRGBX64(dst, src []uint8) {
	for i, j := 0, 0; i+3 <= len(dst) && j+8 <= len(src); i, j = i+3, j+8 {
		s, d := src[j:j+8:j+8], dst[i:i+3:i+3]
		r, g, b := s[0], s[2], s[4]
		d[0], d[1], d[2] = r, g, b
	}
}

func rowRGBA64(dst, src []uint8) {
	for i, j := 0, 0; i+3 <= len(dst) && j+8 <= len(src); i, j = i+3, j+8 {
		s, d := src[j:j+8:j+8], dst[i:i+3:i+3]
		d[0], d[1], d[2] = divide(s[0], s[2], s[4], s[6])
	}
}

func rowGray(dst, src []uint8) {
	for i, v := range src {
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = v, v, v
	}
}

func rowGray16(dst, src []uint8) {
	for i := 0; i+3 <= len(dst); i += 3 {
		v := src[i/3*2]
		d := dst[i : i+3 : i+3]
		d[0], d[1], d[2] = v, v, v
	}
}

func rowCMYK(dst, src []uint8) {
	for i, j := 0, 0; i+3 <= len(dst) && j+4 <= len(src); i, j = i+3, j+4 {
		s, d := src[j:j+4:j+4], dst[i:i+3:i+3]
		c, m, y, white := s[0], s[1], s[2], 255-s[3]
		d[0], d[1], d[2] = ink(white, c), ink(white, m), ink(white, y)
	}
}

// ink returns what an ink leaves of white: white·(1 - ink/255), with the product
// rounded to nearest, as Pillow does.
func ink(white, ink uint8) uint8 {
	t := uint32(white)*uint32(ink) + 128
	return white - uint8((t+t>>8)>>8)
}

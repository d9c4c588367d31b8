package picture

// upright returns the picture turned as its EXIF orientation asks, which is how it
// has to be shown:
//
//	1 as it is      2 mirrored          3 by 180°       4 upside down
//	5 transposed    6 by 90° clockwise  7 transversed   8 by 90° counterclockwise
//
// It works in place for 1-4, and may return p itself.
func upright(p *RGB, orientation int) *RGB {
	w, h := p.Width, p.Height
	switch orientation {
	case 2:
		for y := range h {
			mirror(p.Pix[3*y*w : 3*(y+1)*w])
		}
	case 3:
		mirror(p.Pix)
	case 4:
		row := make([]uint8, 3*w)
		for y := range h / 2 {
			a, b := p.Pix[3*y*w:3*(y+1)*w], p.Pix[3*(h-1-y)*w:3*(h-y)*w]
			copy(row, a)
			copy(a, b)
			copy(b, row)
		}
	case 5:
		return turn(p, 0, 3, 3*w)
	case 6:
		return turn(p, 3*(h-1)*w, 3, -3*w)
	case 7:
		return turn(p, 3*(h*w-1), -3, -3*w)
	case 8:
		return turn(p, 3*(w-1), -3, 3*w)
	}
	return p
}

// mirror reverses the order of the pixels.
func mirror(pix []uint8) {
	for i, j := 0, len(pix)-3; i < j; i, j = i+3, j-3 {
		a, b := pix[i:i+3:i+3], pix[j:j+3:j+3]
		a[0], b[0] = b[0], a[0]
		a[1], b[1] = b[1], a[1]
		a[2], b[2] = b[2], a[2]
	}
}

// turn returns a picture of swapped sides, whose pixel (x, y) is the one at byte
// start + y·down + x·right of the source.
func turn(p *RGB, start, down, right int) *RGB {
	out := NewRGB(p.Height, p.Width)
	// Tiles of 32×32 keep the columns of the source in cache.
	const tile = 32
	for y0 := 0; y0 < out.Height; y0 += tile {
		y1 := min(y0+tile, out.Height)
		for x0 := 0; x0 < out.Width; x0 += tile {
			x1 := min(x0+tile, out.Width)
			for y := y0; y < y1; y++ {
				from := start + y*down + x0*right
				dst := out.Pix[3*(y*out.Width+x0) : 3*(y*out.Width+x1)]
				for ; len(dst) >= 3; dst = dst[3:] {
					src := p.Pix[from : from+3 : from+3]
					dst[0], dst[1], dst[2] = src[0], src[1], src[2]
					from += right
				}
			}
		}
	}
	return out
}

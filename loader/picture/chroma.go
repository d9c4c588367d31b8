package picture

import "image"

// plane is one colour difference at its stored resolution: w×h samples that mean
// something, in rows of stride.
type plane struct {
	pix          []uint8
	stride, w, h int
}

func (c plane) row(y int) []uint8 {
	y = min(max(y, 0), c.h-1)
	return c.pix[y*c.stride:][:c.w]
}

// upsampler brings a colour difference to full resolution row by row, as libjpeg
// does with "fancy upsampling" on, its default: where chroma is halved, a triangle
// filter, whose samples sit at 1/4 and 3/4 between the stored ones. A stored row or
// column repeats beyond the picture's edge. In formulas, for the stored sample N
// that is nearer and F that is farther:
//
//	across only   (3N + F + 1) >> 2 to the left, (3N + F + 2) >> 2 to the right
//	down only     (3N + F + 1) >> 2 above,       (3N + F + 2) >> 2 below
//	both          columns 3N + F first, then (3N + F + 8) >> 4 to the left and
//	              (3N + F + 7) >> 4 to the right
//
// Halving across is plain repetition where there are 1 or 2 stored columns, and so
// is every other ratio.
type upsampler struct {
	across, down int     // full samples per stored one: 1, 2 or 4
	width        int     // of a full row
	out          []uint8 // a full row, a little longer
}

func newUpsampler(across, down, width int) *upsampler {
	stored := (width + across - 1) / across
	return &upsampler{across: across, down: down, width: width, out: make([]uint8, across*stored)}
}

// row returns row y of the full plane, valid until the next call.
func (u *upsampler) row(c plane, y int) []uint8 {
	near := c.row(y / u.down)
	far := c.row(y/u.down - 1)
	if y%u.down == 1 {
		far = c.row(y/u.down + 1)
	}
	switch {
	case u.across == 1 && u.down == 1:
		return near
	case u.across == 2 && u.down == 1 && c.w > 2:
		u.doubleAcross(near)
	case u.across == 1 && u.down == 2:
		bias := 1 + int32(y%2)
		for x, n := range near {
			u.out[x] = uint8((3*int32(n) + int32(far[x]) + bias) >> 2)
		}
	case u.across == 2 && u.down == 2 && c.w > 2:
		u.doubleBoth(near, far)
	default:
		for x := range u.out {
			u.out[x] = near[x/u.across]
		}
	}
	return u.out[:u.width]
}

func (u *upsampler) doubleAcross(row []uint8) {
	out := u.out[:2*len(row)]
	left := int32(row[0])
	here := left
	for _, v := range row[1:] {
		right := int32(v)
		out[0] = uint8((3*here + left + 1) >> 2)
		out[1] = uint8((3*here + right + 2) >> 2)
		out = out[2:]
		left, here = here, right
	}
	out[0], out[1] = uint8((3*here+left+1)>>2), uint8(here)
}

func (u *upsampler) doubleBoth(near, far []uint8) {
	out := u.out[:2*len(near)]
	far = far[:len(near)]
	left := 3*int32(near[0]) + int32(far[0])
	here := left
	for i, v := range near[1:] {
		right := 3*int32(v) + int32(far[i+1])
		o := out[2*i : 2*i+2 : 2*i+2]
		o[0] = uint8((3*here + left + 8) >> 4)
		o[1] = uint8((3*here + right + 7) >> 4)
		left, here = here, right
	}
	out = out[2*len(near)-2:]
	out[0], out[1] = uint8((3*here+left+8)>>4), uint8((4*here+7)>>4)
}

// fromYCbCr converts full-range YCbCr, as JPEG has it, with libjpeg's arithmetic.
// The picture starts at (0, 0).
func fromYCbCr(m *image.YCbCr) *RGB { return fromPlanes(m, rowYCC) }

// fromPlanes brings a picture's second and third plane to the resolution of the
// first, and hands them row by row to convert.
func fromPlanes(m *image.YCbCr, convert func(dst, first, second, third []uint8)) *RGB {
	p := NewRGB(m.Rect.Dx(), m.Rect.Dy())
	across, down := ratio(m.SubsampleRatio)
	cw, ch := (p.Width+across-1)/across, (p.Height+down-1)/down
	cb := plane{m.Cb, m.CStride, cw, ch}
	cr := plane{m.Cr, m.CStride, cw, ch}
	ub, ur := newUpsampler(across, down, p.Width), newUpsampler(across, down, p.Width)
	for y := range p.Height {
		convert(p.Pix[3*y*p.Width:][:3*p.Width], m.Y[y*m.YStride:], ub.row(cb, y), ur.row(cr, y))
	}
	return p
}

// ratio returns how many full samples stand for a stored one, across and down.
func ratio(r image.YCbCrSubsampleRatio) (across, down int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// rowYCC converts a row of len(dst)/3 pixels by the formulas of JFIF 1.02,
//
//	R = Y + 1.40200 (Cr-128)
//	G = Y - 0.34414 (Cb-128) - 0.71414 (Cr-128)
//	B = Y + 1.77200 (Cb-128)
//
// with factors in 16.16 fixed point, rounded to nearest, and half added before the
// shift: libjpeg's tables give the same numbers.
func rowYCC(dst, luma, cb, cr []uint8) {
	n := len(dst) / 3
	luma, cb, cr = luma[:n], cb[:n], cr[:n]
	for x, l := range luma {
		y := int32(l)<<16 + 1<<15
		b, r := int32(cb[x])-128, int32(cr[x])-128
		d := (*[3]uint8)(dst[3*x:])
		d[0] = clamp16(y + 91881*r)
		d[1] = clamp16(y - 22554*b - 46802*r)
		d[2] = clamp16(y + 116130*b)
	}
}

// clamp16 returns v >> 16 within 0 to 255.
func clamp16(v int32) uint8 {
	if uint32(v) < 1<<24 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31)) // 0 below, 255 above
}

// fromVP8 converts the pictures of the VP8 codec, whose YCbCr has video range (luma
// 16 to 235), and halves chroma both ways. Upsampling and arithmetic are libwebp's:
// chroma (9N + 3A + 3D + F + 8) >> 4 of the nearest stored sample, its neighbours
// across and down, and the one between those; ITU-R BT.601 with factors in 14 bits.
func fromVP8(m *image.YCbCr) *RGB {
	p := NewRGB(m.Rect.Dx(), m.Rect.Dy())
	cw, ch := (p.Width+1)/2, (p.Height+1)/2
	cb := plane{m.Cb, m.CStride, cw, ch}
	cr := plane{m.Cr, m.CStride, cw, ch}
	ub, ur := make([]uint8, 2*cw), make([]uint8, 2*cw)
	for y := range p.Height {
		far := y/2 - 1 + 2*(y%2)
		rowVP8Chroma(ub, cb.row(y/2), cb.row(far))
		rowVP8Chroma(ur, cr.row(y/2), cr.row(far))
		dst := p.Pix[3*y*p.Width:][:3*p.Width]
		luma := m.Y[y*m.YStride:][:p.Width]
		for x, l := range luma {
			l := int32(l) * 19077 >> 8
			u, v := int32(ub[x]), int32(ur[x])
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0] = clamp6(l + v*26149>>8 - 14234)
			d[1] = clamp6(l - u*6419>>8 - v*13320>>8 + 8708)
			d[2] = clamp6(l + u*33050>>8 - 17685)
		}
	}
	return p
}

func rowVP8Chroma(out, near, far []uint8) {
	last := len(near) - 1
	sum := func(i int) (n, f int32) { return int32(near[i]), int32(far[i]) }
	leftN, leftF := sum(0)
	hereN, hereF := leftN, leftF
	for i := range near {
		rightN, rightF := sum(min(i+1, last))
		base := 9*hereN + 3*hereF + 8
		out[2*i] = uint8((base + 3*leftN + leftF) >> 4)
		out[2*i+1] = uint8((base + 3*rightN + rightF) >> 4)
		leftN, leftF, hereN, hereF = hereN, hereF, rightN, rightF
	}
}

// clamp6 returns v >> 6 within 0 to 255.
func clamp6(v int32) uint8 { return uint8(min(max(v>>6, 0), 255)) }

package readout

import "github.com/crate-vk/crate-vk/loader/picture"

// Bicubic brings a mask of the trimmed input's pixels to the size of the
// original image as MaskCut does: Pillow's bicubic resize of a picture of 0 and
// 255, kept above half of its maximum. The strip that was trimmed away is 0.
func (f Frame) Bicubic(mask []bool) *Mask {
	in := picture.NewGray(f.Width, f.Height)
	for i, on := range mask {
		if on {
			in.Pix[i/f.TrimmedWidth()*f.Width+i%f.TrimmedWidth()] = 255
		}
	}
	out := picture.ResizeGray(in, f.ImageWidth, f.ImageHeight, picture.Bicubic)
	top := 0
	for _, p := range out.Pix {
		top = max(top, int(p))
	}
	for i, p := range out.Pix {
		out.Pix[i] = 0
		if 2*int(p) > top {
			out.Pix[i] = 255
		}
	}
	return &Mask{f.ImageWidth, f.ImageHeight, out.Pix}
}

// Cells are the mask's pixels as a set.
func (m *Mask) Cells() []bool {
	cells := make([]bool, len(m.Pix))
	for i, p := range m.Pix {
		cells[i] = p != 0
	}
	return cells
}

// NewMask is a mask of cells that are its pixels.
func NewMask(cells []bool, width int) *Mask {
	m := &Mask{width, len(cells) / width, make([]uint8, len(cells))}
	for i, on := range cells {
		if on {
			m.Pix[i] = 255
		}
	}
	return m
}

// Fill is the mask without holes.
func (m *Mask) Fill() *Mask { return NewMask(FillHoles(m.Cells(), m.Width), m.Width) }

// Split is a mask for each connected part of at least that many pixels, in the
// order of their first pixels.
func (m *Mask) Split(least int) []*Mask {
	var parts []*Mask
	for _, list := range Components(m.Cells(), m.Width) {
		if len(list) < least {
			continue
		}
		part := &Mask{m.Width, m.Height, make([]uint8, len(m.Pix))}
		for _, i := range list {
			part.Pix[i] = 255
		}
		parts = append(parts, part)
	}
	return parts
}

package eval

import (
	"context"
	"encoding/binary"
	"image"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// sample is one pixel of a PNG.
type sample struct {
	r, g, b, a uint16 // 0 to 65535; colours aren't multiplied by alpha
	number     int    // the gray value, 0 to 255 or of 16 bits 0 to 65535; −1 of a colour
	index      int    // in a palette; −1 without one
}

func (p sample) value() uint16 { return max(p.r, p.g, p.b) }

// spread is how far the pixel is from gray.
func (p sample) spread() uint16 { return p.value() - min(p.r, p.g, p.b) }

// lastDark is the highest value that isn't bright: 127 of 255.
const lastDark = 1<<15 - 1

// isVOCVoid says that the pixel has the colour of void in PASCAL VOC's palette.
func (p sample) isVOCVoid() bool { return p.r>>8 == 224 && p.g>>8 == 224 && p.b>>8 == 192 }

// samples are the pixels of a PNG.
type samples struct {
	width, height int
	at            func(x, y int) sample
	wide          bool // 16 bits a sample
	hasAlpha      bool // an alpha channel, or transparent colours
}

// depth is 0 for files of up to 8 bits a sample, 1 for those of 16.
func (s *samples) depth() int {
	if s.wide {
		return 1
	}
	return 0
}

// number is a pixel's value as files of this depth count it.
func (s *samples) number(p sample) int {
	if s.wide {
		return int(p.value())
	}
	return int(p.value() >> 8)
}

func openSamples(ctx context.Context, path string) (*samples, error) {
	img, _, err := openPNG(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &samples{width: img.Bounds().Dx(), height: img.Bounds().Dy()}
	if !s.read(img) {
		return nil, fileErrorf(path, "is a PNG of %T samples, want gray, RGB or a palette", img)
	}
	return s, nil
}

// read takes the pictures that image/png gives.
func (s *samples) read(img image.Image) bool {
	switch img := img.(type) {
	case *image.Gray:
		s.at = func(x, y int) sample { v := img.Pix[y*img.Stride+x]; return narrow(v, v, v, 255) }
	case *image.Gray16:
		s.wide = true
		s.at = func(x, y int) sample {
			v := binary.BigEndian.Uint16(img.Pix[y*img.Stride+2*x:])
			return sample{v, v, v, 65535, int(v), -1}
		}
	case *image.RGBA: // without alpha
		s.at = func(x, y int) sample { p := img.Pix[y*img.Stride+4*x:]; return narrow(p[0], p[1], p[2], 255) }
	case *image.NRGBA:
		s.hasAlpha = true
		s.at = func(x, y int) sample { p := img.Pix[y*img.Stride+4*x:]; return narrow(p[0], p[1], p[2], p[3]) }
	case *image.RGBA64:
		s.wide = true
		s.at = wider(img.Pix, img.Stride)
	case *image.NRGBA64:
		s.wide, s.hasAlpha = true, true
		s.at = wider(img.Pix, img.Stride)
	case *image.Paletted:
		s.readPalette(img)
	default:
		return false
	}
	return true
}

func (s *samples) readPalette(img *image.Paletted) {
	var table [256]sample
	for i, c := range img.Palette {
		n := colourOf(c)
		table[i] = narrow(n.R, n.G, n.B, n.A)
		table[i].index = i
		s.hasAlpha = s.hasAlpha || n.A != 255
	}
	s.at = func(x, y int) sample { return table[img.Pix[y*img.Stride+x]] }
}

// narrow is a pixel of 8 bits a sample.
func narrow(r, g, b, a uint8) sample {
	p := sample{uint16(r) * 257, uint16(g) * 257, uint16(b) * 257, uint16(a) * 257, -1, -1}
	if r == g && g == b {
		p.number = int(r)
	}
	return p
}

// wider is for four samples of 16 bits a pixel.
func wider(pix []uint8, stride int) func(x, y int) sample {
	return func(x, y int) sample {
		p := pix[y*stride+8*x:]
		s := sample{binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:]), binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(p[6:]), -1, -1}
		if s.spread() == 0 {
			s.number = int(s.r)
		}
		return s
	}
}

// byAlpha is the mask in the alpha channel: above half of the highest alpha.
func (s *samples) byAlpha(c *census) *Mask {
	return s.where(func(p sample) bool { return 2*int(p.a) > int(c.maxAlpha) })
}

// visible are the pixels that aren't wholly transparent.
func (s *samples) visible() *Mask { return s.where(func(p sample) bool { return p.a > 0 }) }

func (s *samples) where(in func(sample) bool) *Mask {
	m := &Mask{Gray: picture.NewGray(s.width, s.height)}
	for i := range m.Pix {
		if in(s.at(i%s.width, i/s.width)) {
			m.Pix[i] = 255
		}
	}
	return m
}

//go:build viewer && cgo

package main

import (
	"image"

	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// scaled keeps the pictures of an image at the sizes in which the window shows them.
type scaled struct {
	now    *openedImage
	mask   *foundMask
	photos map[place]*image.RGBA
	marks  map[place][]byte
	tints  map[place]*image.RGBA
	sized  map[image.Point]*picture.RGB // the whole photograph
}

// place is a size of the whole picture, and the part of it that is seen.
type place struct {
	whole image.Point
	part  image.Rectangle
}

// placeOf is where a picture that lies at whole is seen.
func placeOf(whole, seen image.Rectangle) place {
	return place{whole.Size(), seen.Sub(whole.Min)}
}

// keptPlaces bounds what is kept: while a window is resized each frame has sizes of its own.
const keptPlaces = 4

// of forgets what belongs to another image or mask.
func (c *scaled) of(s *snapshot) {
	if c.now != s.now || len(c.photos) > keptPlaces {
		*c = scaled{now: s.now, photos: map[place]*image.RGBA{}, sized: map[image.Point]*picture.RGB{}}
	}
	if c.mask != s.mask || len(c.marks) > keptPlaces || c.marks == nil {
		c.mask, c.marks, c.tints = s.mask, map[place][]byte{}, map[place]*image.RGBA{}
	}
}

// photo is the part of the photograph that is seen, pixel for pixel where the whole has the
// photograph's own size, else resized with Lanczos' filter.
func (c *scaled) photo(s *snapshot, whole, seen image.Rectangle) *image.RGBA {
	at := placeOf(whole, seen)
	if m := c.photos[at]; m != nil {
		return m
	}
	p := s.now.picture
	if size := at.whole; size.X != p.Width || size.Y != p.Height {
		small := c.sized[size]
		if small == nil {
			small = picture.Resize(p, size.X, size.Y, picture.Lanczos)
			c.sized[size] = small
		}
		p = small
	}
	m := image.NewRGBA(image.Rectangle{Max: at.part.Size()})
	for y := range m.Rect.Dy() {
		from, to := p.Pix[3*((at.part.Min.Y+y)*p.Width+at.part.Min.X):], m.Pix[y*m.Stride:]
		for x := range m.Rect.Dx() {
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = from[3*x], from[3*x+1], from[3*x+2], 255
		}
	}
	c.photos[at] = m
	return m
}

// labels are those of the mask, at the part that is seen.
func (c *scaled) labels(s *snapshot, whole, seen image.Rectangle) []byte {
	at := placeOf(whole, seen)
	l := c.marks[at]
	if l == nil {
		all := paint.Outlines(s.mask.masks, at.whole.X, at.whole.Y)
		l = make([]byte, 0, at.part.Dx()*at.part.Dy())
		for y := at.part.Min.Y; y < at.part.Max.Y; y++ {
			l = append(l, all[y*at.whole.X+at.part.Min.X:][:at.part.Dx()]...)
		}
		c.marks[at] = l
	}
	return l
}

// tint is the colours of PCA's parts, nil of other methods.
func (c *scaled) tint(s *snapshot, whole, seen image.Rectangle) *image.RGBA {
	if s.mask.parts == nil {
		return nil
	}
	at := placeOf(whole, seen)
	m := c.tints[at]
	if m == nil {
		f := s.mask.frame
		// The strip at the right and the bottom that the model does not see has no parts.
		w, h := max(at.whole.X*f.TrimmedWidth()/f.Width, 1), max(at.whole.Y*f.TrimmedHeight()/f.Height, 1)
		all := show.Patches(s.mask.parts, f.Rows, f.Columns, w, h)
		m = image.NewRGBA(image.Rectangle{Max: at.part.Size()})
		for y := at.part.Min.Y; y < min(at.part.Max.Y, h); y++ {
			if at.part.Min.X < w {
				copy(m.Pix[(y-at.part.Min.Y)*m.Stride:][:m.Stride], all.Pix[y*all.Stride+4*at.part.Min.X:][:4*(min(at.part.Max.X, w)-at.part.Min.X)])
			}
		}
		c.tints[at] = m
	}
	return m
}

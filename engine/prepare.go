package engine

import (
	"context"
	"fmt"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Input is one image of a stream. Load is called on one of several goroutines;
// its error fails this image alone.
type Input struct {
	Name string // for the caller
	Load func(ctx context.Context) (*picture.RGB, error)
}

// Item is what a stream yields for each input, in their order.
type Item[T any] struct {
	Input   Input
	Picture *picture.RGB // the image, where the stream was asked to keep it
	Frame   readout.Frame
	Value   T
	Err     error // this image failed
}

// prepared is an image on its way through the stream.
type prepared struct {
	input   Input
	picture *picture.RGB
	frame   readout.Frame
	pixels  []byte // RGB at the size of the model's input
	err     error
	done    chan struct{} // closed when it is loaded
}

// prepare loads an image, resizes it and trims it to whole patches.
func (j *job[T]) prepare(ctx context.Context, r *picture.Resizer, p *prepared) {
	if p.err = ctx.Err(); p.err != nil {
		return
	}
	img, err := p.input.Load(ctx)
	if err != nil {
		p.err = err
		return
	}
	c := &j.m.src.Config
	width, height := j.opt.Size.Width, j.opt.Size.Height
	switch {
	case j.opt.Size.Native:
		width, height = img.Width, img.Height
	case width == 0:
		width, height = c.ImageSize[1], c.ImageSize[0]
	}
	if width < c.Patch || height < c.Patch {
		p.err = fmt.Errorf("%d×%d px is smaller than one patch of %d×%d", width, height, c.Patch, c.Patch)
		return
	}
	p.frame = readout.NewFrame(img.Width, img.Height, width, height, c.Patch)
	small := img
	if img.Width != width || img.Height != height {
		small = picture.NewRGB(width, height)
		r.RGB(small, img, j.opt.Filter)
	}
	p.pixels = trim(small, p.frame.TrimmedWidth(), p.frame.TrimmedHeight())
	if j.opt.KeepPicture {
		p.picture = img
	}
}

// trim is the pixels of the top left width × height.
func trim(img *picture.RGB, width, height int) []byte {
	if img.Width == width {
		return img.Pix[:3*width*height]
	}
	out := make([]byte, 0, 3*width*height)
	for y := range height {
		out = append(out, img.Pix[3*y*img.Width:3*(y*img.Width+width)]...)
	}
	return out
}

package engine

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"iter"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Input is one image of a stream: Image, or what Load returns. The pixels are the
// engine's until the item is there, as it reads them on other goroutines: a
// buffer that is filled again and again gives all items the same image.
type Input struct {
	Name string // for the caller
	Data any    // for the caller
	// Image is the picture, where the program has it. Its methods are called on
	// one of several goroutines, as Load is.
	Image image.Image
	// Load fetches the picture. Its error fails this image alone, and so does a
	// panic (PanicError). It should return when ctx ends.
	Load func(ctx context.Context) (*picture.RGB, error)

	from   <-chan Input    // of Receive
	caller context.Context // of Batcher.Do
}

// unwanted says why nobody waits for the image any more: the call has ended that it
// belongs to.
func (in *Input) unwanted() error {
	if in.caller == nil {
		return nil
	}
	return context.Cause(in.caller)
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
	kept    *keptPictures // of its stream; nil outside one
}

// picture is the picture of an input.
func (in *Input) picture(ctx context.Context, limit int64) (*picture.RGB, error) {
	switch {
	case in.Image != nil:
		b := in.Image.Bounds()
		if err := checkPixels(b.Dx(), b.Dy(), limit); err != nil {
			return nil, err
		}
		done, err := memory.TakeDecoding(ctx, 3*int64(b.Dx())*int64(b.Dy()))
		if err != nil {
			return nil, err
		}
		kept := int64(0) // also where the image's own code panics
		defer func() { done(kept) }()
		img := picture.FromImage(in.Image)
		kept = int64(len(img.Pix))
		return img, nil
	case in.Load == nil:
		return nil, errNoImage
	}
	img, err := in.Load(ctx)
	if err != nil {
		return nil, err
	}
	if img == nil {
		return nil, fmt.Errorf("%w: the input's Load returned neither an image nor an error", ErrImage)
	}
	if err := checkPixels(img.Width, img.Height, limit); err != nil {
		return nil, err
	}
	if want := 3 * img.Width * img.Height; len(img.Pix) != want {
		return nil, fmt.Errorf("%w: it has %d bytes, want %d: 8-bit RGB of %d×%d px", ErrImage, len(img.Pix), want, img.Width, img.Height)
	}
	return img, nil
}

// errNoImage says that there is nothing to compute.
var errNoImage = fmt.Errorf("%w: the input has neither an image nor a function that loads it", ErrImage)

// checkPixels refuses images that are empty or too large.
func checkPixels(width, height int, limit int64) error {
	if width < 1 || height < 1 {
		return fmt.Errorf("%w: it is empty, %d×%d px", ErrImage, width, height)
	}
	if int64(width) > limit || int64(height) > limit/int64(width) {
		return fmt.Errorf("%w: %d×%d px are more than the limit of %d pixels", ErrImage, width, height, limit)
	}
	return nil
}

// prepare loads an image, resizes it and trims it to whole patches.
func (j *job[T]) prepare(ctx context.Context, r *picture.Resizer, p *prepared) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	limit := j.m.eng.opt.pixels
	ctx, lease := memory.WithLease(ctx)
	defer lease.Release() // when the image is resized
	img, err := p.input.picture(ctx, limit)
	if err != nil {
		return err
	}
	c := &j.m.config
	width, height := j.opt.Size.Width, j.opt.Size.Height
	switch {
	case j.opt.Size.Native:
		width, height = img.Width, img.Height
	case width == 0:
		width, height = c.ImageSize[1], c.ImageSize[0]
	}
	if width < c.Patch || height < c.Patch {
		return fmt.Errorf("%w: %d×%d px is smaller than one patch of %d×%d", ErrImage, width, height, c.Patch, c.Patch)
	}
	if err := checkPixels(width, height, limit); err != nil {
		return err
	}
	p.frame = readout.NewFrame(img.Width, img.Height, width, height, c.Patch)
	small := img
	if img.Width != width || img.Height != height {
		small = picture.NewRGB(width, height)
		r.RGB(small, img, cmp.Or(j.opt.Filter, filterOf(c)))
	}
	p.pixels = small.TopLeft(p.frame.TrimmedWidth(), p.frame.TrimmedHeight()).Pix
	if j.opt.KeepPicture {
		p.picture = img
		p.kept.add(img)
	}
	return nil
}

// join is the pixels of a batch.
func join(images []*prepared) []byte {
	if len(images) == 1 {
		return images[0].pixels
	}
	var all []byte
	for _, p := range images {
		all = append(all, p.pixels...)
	}
	return all
}

// Images are inputs made of pictures that a program already has.
func Images(imgs []image.Image) iter.Seq[Input] {
	return func(yield func(Input) bool) {
		for i, img := range imgs {
			if !yield(Input{Name: fmt.Sprint(i), Image: img}) {
				return
			}
		}
	}
}

// Files are inputs read from picture files.
func Files(paths []string, opt picture.Options) iter.Seq[Input] {
	return func(yield func(Input) bool) {
		for _, path := range paths {
			load := func(ctx context.Context) (*picture.RGB, error) {
				img, _, err := picture.DecodeFile(ctx, path, opt)
				return img, err
			}
			if !yield(Input{Name: path, Load: load}) {
				return
			}
		}
	}
}

// Receive are the inputs that come through a channel, until it is closed. Only a
// stream can use them. A stream that is left takes nothing more from the channel,
// whereas any other iterator that waits for something is left waiting, and what it
// gets then is lost. So is what the stream has under way, which it takes ahead of
// its consumer: up to three batches, and one for each thread.
func Receive(from <-chan Input) iter.Seq[Input] {
	return func(yield func(Input) bool) { yield(Input{from: from}) }
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"slices"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Readout is what is read off a model for each image: which tensors it needs,
// and what it makes of them. It is a value, so that a stream, a batch and a
// single call run any of them alike:
//
//	Attention MaskCut TokenCut Parts FeaturesOf Embed Classify Analyze Reconstruct
//
// The options are resolved against the model when it runs; Check does that
// alone. The zero value reads nothing and is an error.
type Readout[T any] struct {
	input InputOptions
	// bind resolves the options against a model.
	bind func(c *crate.Config) (*reading[T], error)
	// joint runs a read-out of which each result depends on all images; nil
	// where each image stands for itself.
	joint func(ctx context.Context, m *Model, inputs iter.Seq[Input]) iter.Seq2[Item[T], error]
}

// reading is a read-out of one model.
type reading[T any] struct {
	outputs []string   // tensors by the names of crate/readout.Request
	tau     float64    // of affinities
	mask    crate.Mask // of reconstructions
	picture bool       // finish looks at the image itself
	// finish makes the result of one image of its part of the tensors.
	finish func(p *prepared, tensors map[string]*Tensor) (T, error)
}

// Check reports the first option that makes no sense for a model: a layer, a
// head or a tensor that it does not have, a number out of bounds.
func (r Readout[T]) Check(c *crate.Config) error {
	_, err := r.resolve(c)
	return err
}

// resolve resolves the options against a model.
func (r Readout[T]) resolve(c *crate.Config) (*reading[T], error) {
	if r.bind == nil {
		return nil, errors.New("engine: the zero value reads nothing: Attention, MaskCut and the others make read-outs")
	}
	if err := r.input.check(c); err != nil {
		return nil, err
	}
	return r.bind(c)
}

// Joint reports a read-out of which each result depends on all images of the run, as
// of Parts: a Batcher can't run it, and half of the images gives other results.
func (r Readout[T]) Joint() bool { return r.joint != nil }

// Request is the work that the read-out asks of a model for a batch of images
// of height × width px, which are multiples of its patch side.
func (r Readout[T]) Request(c *crate.Config, batch, height, width int) (Request, error) {
	b, err := r.resolve(c)
	if err != nil {
		return Request{}, err
	}
	return Request{Outputs: b.outputs, Height: height, Width: width, Batch: batch, Positions: r.input.Positions, Tau: b.tau, Mask: b.mask}, nil
}

// Stream reads images as they come: decoding, computing and finishing overlap.
// Items are yielded in the order of the inputs; an image that fails has an item
// with Err. The second value is a failure of the stream as a whole, such as a
// lost device or options that the model does not have; it is the last.
func (r Readout[T]) Stream(ctx context.Context, m *Model, inputs iter.Seq[Input]) iter.Seq2[Item[T], error] {
	b, err := r.resolve(&m.config)
	if err != nil {
		err = fmt.Errorf("%s: %w", m.src.Name, err)
		return func(yield func(Item[T], error) bool) { yield(Item[T]{}, err) }
	}
	if r.joint != nil {
		return r.joint(ctx, m, inputs)
	}
	j := &job[T]{m: m, opt: r.input, flush: flushAfter, reading: b}
	j.opt.KeepPicture = j.opt.KeepPicture || b.picture
	return j.run(ctx, inputs)
}

// Batch reads several images. The first one that fails is the error.
func (r Readout[T]) Batch(ctx context.Context, m *Model, imgs []image.Image) ([]T, error) {
	if r.input.Batch == 0 {
		r.input.Batch = max(min(m.BatchSize(0), len(imgs)), 1)
	}
	var list []T
	for item, err := range r.Stream(ctx, m, Images(imgs)) {
		if err == nil && item.Err != nil {
			if err = item.Err; len(imgs) > 1 {
				err = fmt.Errorf("image %d: %w", len(list), err)
			}
		}
		if err != nil {
			return nil, err
		}
		list = append(list, item.Value)
	}
	return list, nil
}

// One reads one image.
func (r Readout[T]) One(ctx context.Context, m *Model, img image.Image) (T, error) {
	list, err := r.Batch(ctx, m, []image.Image{img})
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// Inside shows engine/expert what the read-out asks of a model for one image: the
// request, the pixels of the model's input, and how the image became these.
func (r Readout[T]) Inside(_ inside.Key, ctx context.Context, m *Model, img *picture.RGB) (Request, []byte, readout.Frame, error) {
	b, err := r.resolve(&m.config)
	if err != nil {
		return Request{}, nil, readout.Frame{}, err
	}
	j := &job[T]{m: m, opt: r.input, reading: b}
	p := &prepared{input: Input{Load: func(context.Context) (*picture.RGB, error) { return img, nil }}}
	if err := j.prepare(ctx, new(picture.Resizer), p); err != nil {
		return Request{}, nil, readout.Frame{}, err
	}
	return j.request([]*prepared{p}), p.pixels, p.frame, nil
}

// layersOf resolves layers, −1 being the last, in ascending order and once each.
func layersOf(c *crate.Config, list []int) ([]int, error) {
	layers := make([]int, 0, len(list))
	for _, l := range list {
		l, err := c.Layer(l)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(layers, l) {
			layers = append(layers, l)
		}
	}
	return layers, nil
}

package engine

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"os"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// PartsOptions are the choices of Parts. The zero value is the published ones, as the
// published code computes them, at the model's native size.
type PartsOptions struct {
	InputOptions
	parts.Options
	Layer *int // whose keys are compared, −1 is the last; nil: the last
}

// Resolved are the options with the published ones in the place of what is zero. It
// reports the first that makes no sense for the model.
func (o PartsOptions) Resolved(c *crate.Config) (PartsOptions, error) {
	o.InputOptions = o.InputOptions.over(picture.Lanczos)
	o.Layer = new(value(o.Layer, -1))
	var err error
	o.Options, err = o.Options.Resolved()
	_, layer := c.Layer(*o.Layer)
	return o, cmp.Or(o.InputOptions.check(c), layer, err)
}

// Parts divides the images of a run into parts that they share: the principal
// components of all their keys, the first of which tells foreground from
// background and the next three of which become colours (numerics 4.6). Each
// result depends on all images, so nothing is yielded before the last input was
// read. Keys wait in a temporary file; images are not kept, KeepPicture or not.
func Parts(o PartsOptions) Readout[parts.Parts] {
	input := o.InputOptions.over(picture.Lanczos)
	output := func(c *crate.Config) (string, error) {
		o, err := o.Resolved(c)
		if err != nil {
			return "", err
		}
		layer, err := c.Layer(*o.Layer)
		return fmt.Sprintf("key.%d", layer), err
	}
	r := Readout[parts.Parts]{input: input, bind: func(c *crate.Config) (*reading[parts.Parts], error) {
		name, err := output(c)
		return &reading[parts.Parts]{outputs: []string{name}}, err
	}}
	r.joint = func(ctx context.Context, m *Model, inputs iter.Seq[Input]) iter.Seq2[Item[parts.Parts], error] {
		keys := Readout[[]float32]{input: input, bind: func(c *crate.Config) (*reading[[]float32], error) {
			name, err := output(c)
			return &reading[[]float32]{outputs: []string{name}, finish: func(_ *prepared, tensors map[string]*Tensor) ([]float32, error) {
				return tensors[name].Data[c.Prefix*c.Inner:], nil // the patches' rows
			}}, err
		}}
		return func(yield func(Item[parts.Parts], error) bool) {
			s := &partsSpool{o: o.Options, width: m.config.Inner, all: parts.NewMoments(m.config.Inner)}
			defer s.close()
			if err := s.fill(keys.Stream(ctx, m, inputs)); err != nil {
				yield(Item[parts.Parts]{}, err)
				return
			}
			if err := s.paint(ctx, yield); err != nil {
				yield(Item[parts.Parts]{}, err)
			}
		}
	}
	return r
}

// partsSpool keeps the keys of all images in a file and goes over them: once for
// the foreground's components, once for the ranges of the colours, once to paint.
type partsSpool struct {
	o     parts.Options
	width int // channels of a key
	all   *parts.Moments
	file  *os.File
	list  []spooled
}

// spooled is an image whose keys are in the file.
type spooled struct {
	item Item[parts.Parts] // without its parts
	n    int               // patches, 0 of an image that failed
}

func (s *partsSpool) close() {
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
	}
}

// fill writes the keys to the file and adds them up.
func (s *partsSpool) fill(keys iter.Seq2[Item[[]float32], error]) (err error) {
	if s.file, err = os.CreateTemp("", "crate-vk-pca-*"); err != nil {
		return err
	}
	out := bufio.NewWriterSize(s.file, 1<<20)
	for item, err := range keys {
		if err != nil {
			return err
		}
		x := spooled{item: Item[parts.Parts]{Input: item.Input, Frame: item.Frame, Err: item.Err}}
		if item.Err == nil {
			x.n = len(item.Value) / s.width
			s.all.Add(item.Value, nil)
			if err := binary.Write(out, binary.LittleEndian, item.Value); err != nil {
				return err
			}
		}
		s.list = append(s.list, x)
	}
	return out.Flush()
}

// paint yields the images with their parts, in order, and those that failed.
func (s *partsSpool) paint(ctx context.Context, yield func(Item[parts.Parts], error) bool) error {
	if s.all.Count() == 0 {
		for _, x := range s.list {
			if !yield(x.item, nil) {
				return nil
			}
		}
		return nil
	}
	first, err := s.o.First(s.all)
	if err != nil {
		return err
	}
	front := parts.NewMoments(s.width)
	if err := s.each(ctx, func(x *spooled, img parts.Image) bool {
		if x.n > 0 {
			front.Add(img.Descriptors, first.Foreground(img))
		}
		return true
	}); err != nil {
		return err
	}
	colours, err := s.o.Colours(front)
	if err != nil {
		return err
	}
	if err := s.each(ctx, func(x *spooled, img parts.Image) bool {
		if x.n > 0 {
			colours.Observe(img, first.Foreground(img))
		}
		return true
	}); err != nil {
		return err
	}
	return s.each(ctx, func(x *spooled, img parts.Image) bool {
		if x.n > 0 {
			mask := first.Foreground(img)
			x.item.Value = parts.Parts{Rows: img.Rows, Columns: img.Columns, Foreground: mask, RGB: colours.Paint(img, mask)}
		}
		return yield(x.item, nil)
	})
}

// each reads the images back, in order, until f returns false or ctx ends. Those that failed
// come without keys.
func (s *partsSpool) each(ctx context.Context, f func(x *spooled, img parts.Image) bool) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(s.file, 1<<20)
	for i := range s.list {
		if err := ctx.Err(); err != nil {
			return err
		}
		x := &s.list[i]
		raw := make([]byte, 4*x.n*s.width)
		if _, err := io.ReadFull(in, raw); err != nil {
			return err
		}
		d := make([]float32, x.n*s.width)
		for k := range d {
			d[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		}
		if !f(x, parts.Image{Rows: x.item.Frame.Rows, Columns: x.item.Frame.Columns, Descriptors: d}) {
			return nil
		}
	}
	return nil
}

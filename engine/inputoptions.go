package engine

import (
	"cmp"
	"fmt"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Bounds of InputOptions, far above what any model is run with: what exceeds them is a
// mistake, and is better named than tried.
const (
	maxSide  = 1 << 15 // pixels
	maxBatch = 1 << 16 // images
)

// Size is the size to which images are resized, each side by itself: the aspect ratio
// is not kept, and nothing is cropped. The zero value is the model's native size. Of a
// size that is no multiple of the patch side the model does not see the rest at the
// right and the bottom, where masks are empty.
type Size struct {
	Width, Height int  // pixels
	Native        bool // each image keeps its own size
}

// InputOptions say how images become inputs of a model. Every read-out has them. As in
// all options a field that is zero leaves the choice to the read-out, which documents
// it; a number for which 0 is a choice of its own is a pointer, and nil leaves it:
//
//	engine.MaskCutOptions{Layer: new(0), Tau: new(0.3)}
type InputOptions struct {
	Size        Size
	Filter      picture.Filter  // zero: Lanczos of MaskCut, TokenCut and Parts, as their authors do, else the model's own (Config.Interpolation), else Bilinear
	Positions   crate.Positions // "": exact
	Batch       int             // images computed at once; 0: by the device
	KeepPicture bool            // items carry their image
}

// over is the options with the read-out's filter where none is chosen.
func (o InputOptions) over(filter picture.Filter) InputOptions {
	o.Filter = cmp.Or(o.Filter, filter)
	o.Positions = cmp.Or(o.Positions, crate.PositionsExact)
	return o
}

// filterOf is the filter of a model's images where no read-out has one of its own.
func filterOf(c *crate.Config) picture.Filter {
	if f, err := picture.ParseFilter(c.Interpolation); err == nil {
		return f
	}
	return picture.Bilinear
}

// check reports the first option that makes no sense for a model.
func (o InputOptions) check(c *crate.Config) error {
	s := o.Size
	switch {
	case s.Native && (s.Width != 0 || s.Height != 0):
		return fmt.Errorf("size: native and %d×%d px exclude each other", s.Width, s.Height)
	case s == Size{} || s.Native:
	case s.Width < 1 || s.Height < 1 || s.Width > maxSide || s.Height > maxSide:
		return fmt.Errorf("size: %d×%d px, want both sides from 1 to %d", s.Width, s.Height, maxSide)
	case s.Width < c.Patch || s.Height < c.Patch:
		return fmt.Errorf("size: %d×%d px is smaller than one patch of %d×%d", s.Width, s.Height, c.Patch, c.Patch)
	}
	if err := o.Filter.Check(); err != nil {
		return err
	}
	switch o.Positions {
	case "", crate.PositionsExact, crate.PositionsDemo:
	default:
		return fmt.Errorf("positions %q: want exact or demo", o.Positions)
	}
	if o.Batch < 0 || o.Batch > maxBatch {
		return fmt.Errorf("batch: %d images, want 1 to %d, or 0 for the device's own", o.Batch, maxBatch)
	}
	return nil
}

// value is what p points to, or what stands in for nil.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// atMostOne is the options that a caller gave as variadic arguments: none are the
// defaults.
func atMostOne[O any](list []O) (o O, err error) {
	switch len(list) {
	case 0:
		return o, nil
	case 1:
		return list[0], nil
	}
	return o, fmt.Errorf("engine: %d options are given, want at most one", len(list))
}

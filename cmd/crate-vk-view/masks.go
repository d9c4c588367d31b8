//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"image"
	"iter"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// maskKey is what a mask depends on beside its image.
type maskKey struct {
	method viewer.Method
	layer  int
	head   int     // of attention
	keep   float64 // of attention
}

// maskOf is what the choice asks for; what the method does not look at is left out.
func maskOf(c viewer.Choice) maskKey {
	k := maskKey{method: c.Method, layer: c.Layer}
	if c.Method == viewer.MethodAttention {
		k.head, k.keep = c.Head, c.Keep
	}
	if c.Method == viewer.MethodNone {
		k.layer = 0
	}
	return k
}

// foundMask is what a method found in an image.
type foundMask struct {
	key     maskKey
	err     error
	objects []engine.Object
	masks   []*readout.Mask
	parts   []uint8 // of PCA: colours of the patches, [rows·columns 3]
	frame   readout.Frame
}

// find makes the mask, as segment makes it.
func (o *options) find(ctx context.Context, m *engine.Model, img *picture.RGB, key maskKey) *foundMask {
	f := &foundMask{key: key}
	var seg *engine.Segmentation
	switch key.method {
	case viewer.MethodAttention:
		a := o.attention
		a.Layers, a.Head, a.Options.Keep = []int{key.layer}, headOf(key.head), o.keep(key.keep)
		a.Finish = o.finish
		seg, f.err = engine.Attention(a).One(ctx, m, img)
	case viewer.MethodMaskCut:
		seg, f.err = o.cut(key.layer).One(ctx, m, img)
	case viewer.MethodPCA:
		f.err = o.parts(ctx, m, img, key.layer, f)
	}
	if f.err == nil && seg != nil {
		f.objects, f.frame = seg.Objects, seg.Frame
		for _, x := range seg.Objects {
			f.masks = append(f.masks, x.Mask)
		}
	}
	return f
}

// parts divides the image into parts by the principal components of its keys.
func (o *options) parts(ctx context.Context, m *engine.Model, img *picture.RGB, layer int, f *foundMask) error {
	p := o.pca
	p.Layer = &layer
	next, stop := iter.Pull2(engine.Parts(p).Stream(ctx, m, engine.Images([]image.Image{img})))
	defer stop()
	item, err, ok := next()
	switch {
	case !ok:
		return errors.New("no parts were found")
	case err != nil:
		return err
	case item.Err != nil:
		return item.Err
	}
	f.frame, f.parts = item.Frame, item.Value.RGB
	f.masks = o.foreground(item, img)
	return nil
}

// foreground is the mask of PCA, finished as segment finishes it.
func (o *options) foreground(item engine.Item[parts.Parts], img *picture.RGB) []*readout.Mask {
	return o.finish.Masks(refine.Of(o.finish.Refine, item.Frame, img).Mask(item.Value.Foreground, item.Frame.Rows, item.Frame.Columns))
}

// headOf is a head as read-outs name it.
func headOf(head int) readout.Head {
	if head == viewer.MeanHead {
		return readout.HeadMean
	}
	return readout.HeadAt(head)
}

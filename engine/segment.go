package engine

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"iter"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// AttentionOptions are the choices of Attention. The zero value is the model's own: its
// crate.readout, else the paper's: Layers the last but one, of a ViT the last; Head the
// mean of them; Keep the patches that hold 0.6 of the map's mass; Upsample nearest.
type AttentionOptions struct {
	InputOptions
	readout.Options
	Finish
	HeadMaps bool // the segmentation carries every head's map
}

// Segmentation is what is found in one image.
type Segmentation struct {
	Frame readout.Frame // how the image became a grid: maps have its Rows and Columns
	// Objects are of Attention one, or with HeadEach one a head, whose mask may be
	// empty; of MaskCut up to MaskCutOptions.Objects, of TokenCut up to one. With
	// Finish.Split each connected part is one: there may be more, or none.
	Objects []Object
	Heads   [][]float64 // with HeadMaps: each head's map [Rows Columns], sum 1
}

// Object is a mask, and of attention the map that it was taken from.
type Object struct {
	Mask *readout.Mask // at the size of the image
	Head readout.Head  // of attention: readout.HeadMean, or the head; "" of MaskCut and TokenCut
	// Score is a confidence, 0 … 1. Of attention it is 1 − area/Mass, at least 0, where area
	// is the object's share of the grid's area: 0 where the map is no denser inside than
	// elsewhere, 1/2 where it is twice as dense as on the average. Of MaskCut and TokenCut
	// it is 1 − λ of the cut's eigenvalue λ.
	Score float64
	// Mass is of attention the share of the map's mass inside the mask, 0 … 1: about Keep's
	// share where that is by mass and the mask is neither refined nor split. 0 of others.
	Mass float64
	Map  []float64 // [Rows Columns], the patches of the model's input (Item.Frame has them), sum 1; nil of MaskCut and TokenCut
}

// Resolved are the options with the model's own in the place of what is zero. It reports
// the first that makes no sense for the model.
func (o AttentionOptions) Resolved(c *crate.Config) (AttentionOptions, error) {
	var err error
	o.InputOptions = o.InputOptions.over(filterOf(c))
	o.Options, err = o.Options.Resolved(c)
	return o, cmp.Or(o.InputOptions.check(c), err, o.Finish.Check())
}

// Attention makes masks of the class token's attention.
func Attention(o AttentionOptions) Readout[*Segmentation] {
	return Readout[*Segmentation]{input: o.InputOptions.over(picture.DefaultFilter), bind: func(c *crate.Config) (*reading[*Segmentation], error) {
		o, err := o.Resolved(c)
		if err != nil {
			return nil, err
		}
		a := attentionReading{AttentionOptions: o, c: c}
		for _, l := range o.Layers {
			l, err := c.Layer(l)
			if err != nil {
				return nil, err
			}
			a.names = append(a.names, fmt.Sprintf("cls_attention.%d", l))
		}
		return &reading[*Segmentation]{outputs: a.names, picture: o.Refine.NeedsPicture(), finish: func(p *prepared, tensors map[string]*Tensor) (*Segmentation, error) {
			return a.masks(p, tensors), nil
		}}, nil
	}}
}

// attentionReading is attention read off one model.
type attentionReading struct {
	AttentionOptions
	c     *crate.Config
	names []string // of the layers' tensors
}

// masks are the masks of one image.
func (a *attentionReading) masks(p *prepared, tensors map[string]*Tensor) *Segmentation {
	heads := []readout.Head{a.Head}
	if a.Head == readout.HeadEach {
		heads = heads[:0]
		for k := range a.c.Heads {
			heads = append(heads, readout.HeadAt(k))
		}
	}
	s := &Segmentation{Frame: p.frame}
	refine := p.refiner(a.Refine)
	if a.HeadMaps {
		for k := range a.c.Heads {
			s.Heads = append(s.Heads, a.headMap(tensors, readout.HeadAt(k)))
		}
	}
	for _, head := range heads {
		mean := a.headMap(tensors, head)
		cells, rows, columns, _ := p.frame.AttentionCells(mean, a.Options)
		for _, mask := range a.Masks(refine.Mask(cells, rows, columns)) {
			mass, area := readout.Inside(p.frame, mean, mask)
			s.Objects = append(s.Objects, Object{Mask: mask, Head: head, Score: readout.Confidence(mass, area), Mass: mass, Map: mean})
		}
	}
	return s
}

// headMap is the map of a head, or of the mean of all, over the layers chosen.
func (a *attentionReading) headMap(tensors map[string]*Tensor, head readout.Head) []float64 {
	k, one := head.Index()
	var maps [][]float64
	for _, name := range a.names {
		cls := tensors[name].Data
		if !one {
			maps = append(maps, readout.MeanMap(cls, a.c.Heads, a.c.Prefix))
		} else {
			maps = append(maps, readout.Normalise(readout.PatchMap(cls, a.c.Heads, a.c.Prefix, k)))
		}
	}
	return readout.Mean(maps)
}

// Segment segments one image. Without options they are the model's own.
func (m *Model) Segment(ctx context.Context, img image.Image, o ...AttentionOptions) (*Segmentation, error) {
	opt, err := atMostOne(o)
	if err != nil {
		return nil, err
	}
	return Attention(opt).One(ctx, m, img)
}

// SegmentBatch segments several images. The first one that fails is the error.
func (m *Model) SegmentBatch(ctx context.Context, imgs []image.Image, o ...AttentionOptions) ([]*Segmentation, error) {
	opt, err := atMostOne(o)
	if err != nil {
		return nil, err
	}
	return Attention(opt).Batch(ctx, m, imgs)
}

// SegmentStream segments images as they come.
func (m *Model) SegmentStream(ctx context.Context, inputs iter.Seq[Input], o ...AttentionOptions) iter.Seq2[Item[*Segmentation], error] {
	opt, err := atMostOne(o)
	if err != nil {
		return func(yield func(Item[*Segmentation], error) bool) { yield(Item[*Segmentation]{}, err) }
	}
	return Attention(opt).Stream(ctx, m, inputs)
}

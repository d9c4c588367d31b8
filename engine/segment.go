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

// SegmentOptions are the choices of Segment. Model.SegmentOptions gives the
// model's own defaults.
type SegmentOptions struct {
	InputOptions
	readout.Options
	Finish
	HeadMaps bool // the segmentation carries every head's map
}

// Finish says what becomes of a mask once it is found. The zero value leaves
// it alone.
type Finish struct {
	Refine    Refine // "" is none
	FillHoles bool
	Split     bool // each connected part becomes an object of its own
	Least     int  // parts of fewer pixels are dropped when splitting; 0 means 1
}

// SegmentOption changes one of them.
type SegmentOption func(*SegmentOptions)

// Segmentation is what is found in one image.
type Segmentation struct {
	Objects []Object    // of attention one, or with HeadEach one a head; more with Split
	Heads   [][]float64 // with HeadMaps: each head's map [Rows Columns], sum 1
}

// Object is a mask, and of attention the map that it was taken from.
type Object struct {
	Mask  *readout.Mask // at the size of the image
	Head  int           // readout.HeadMeanOf, or the head
	Score float64       // attention: share of the map's mass inside the mask; MaskCut: 1 − λ
	Map   []float64     // [Rows Columns] of the frame, sum 1; nil of MaskCut
}

// DefaultSegmentOptions are a model's defaults: its crate.readout, else the
// paper's (last layer but one, of a ViT the last; mean of the heads; mass 0.6;
// nearest).
func DefaultSegmentOptions(c *crate.Config) (SegmentOptions, error) {
	o, err := readout.ParseDefaults(c.Readout, c.ReadLayer())
	return SegmentOptions{InputOptions: InputOptions{Filter: picture.Bilinear}, Options: o}, err
}

// SegmentOptions are the model's defaults.
func (m *Model) SegmentOptions() (SegmentOptions, error) {
	o, err := DefaultSegmentOptions(&m.src.Config)
	if err != nil {
		return SegmentOptions{}, modelError(m.src.Name, err)
	}
	return o, nil
}

// Attention makes masks of the class token's attention.
func Attention(o SegmentOptions) Readout[*Segmentation] {
	return Readout[*Segmentation]{input: o.InputOptions, bind: func(c *crate.Config) (*reading[*Segmentation], error) {
		if len(o.Layers) == 0 {
			return nil, fmt.Errorf("no layer is chosen")
		}
		if o.Head >= c.Heads || o.Head < 0 && o.Head != readout.HeadMeanOf && o.Head != readout.HeadEach {
			return nil, fmt.Errorf("head %d: the model has heads 0 … %d", o.Head, c.Heads-1)
		}
		if err := cmp.Or(o.Keep.Check(), o.Finish.check()); err != nil {
			return nil, err
		}
		a := attentionReading{SegmentOptions: o, c: c}
		for _, l := range o.Layers {
			l, err := c.Layer(l)
			if err != nil {
				return nil, err
			}
			a.names = append(a.names, fmt.Sprintf("cls_attention.%d", l))
		}
		return &reading[*Segmentation]{outputs: a.names, picture: o.Refine == RefineGuided, finish: func(p *prepared, tensors map[string]*Tensor) (*Segmentation, error) {
			return a.masks(p, tensors), nil
		}}, nil
	}}
}

// attentionReading is attention read off one model.
type attentionReading struct {
	SegmentOptions
	c     *crate.Config
	names []string // of the layers' tensors
}

// masks are the masks of one image.
func (a *attentionReading) masks(p *prepared, tensors map[string]*Tensor) *Segmentation {
	heads := []int{a.Head}
	if a.Head == readout.HeadEach {
		heads = heads[:0]
		for k := range a.c.Heads {
			heads = append(heads, k)
		}
	}
	s := &Segmentation{}
	refine := newRefiner(a.Refine, p)
	if a.HeadMaps {
		for k := range a.c.Heads {
			s.Heads = append(s.Heads, a.headMap(tensors, k))
		}
	}
	for _, k := range heads {
		mean := a.headMap(tensors, k)
		cells, rows, columns, score := p.frame.AttentionCells(mean, a.Options)
		for _, mask := range a.Finish.masks(refine.toImage(cells, rows, columns)) {
			s.Objects = append(s.Objects, Object{Mask: mask, Head: k, Score: score, Map: mean})
		}
	}
	return s
}

// headMap is the map of a head, or of the mean of all, over the layers chosen.
func (a *attentionReading) headMap(tensors map[string]*Tensor, k int) []float64 {
	var maps [][]float64
	for _, name := range a.names {
		cls := tensors[name].Data
		if k == readout.HeadMeanOf {
			maps = append(maps, readout.HeadMean(cls, a.c.Heads, a.c.Prefix))
		} else {
			maps = append(maps, readout.Normalise(readout.PatchMap(cls, a.c.Heads, a.c.Prefix, k)))
		}
	}
	return readout.Mean(maps)
}

// check reports a refinement that there is not.
func (f Finish) check() error {
	if f.Refine == "" {
		return nil
	}
	_, err := ParseRefine(string(f.Refine))
	return err
}

// masks fills and splits a mask as the options say.
func (f Finish) masks(m *readout.Mask) []*readout.Mask {
	if f.FillHoles {
		m = m.Fill()
	}
	if f.Split {
		return m.Split(max(f.Least, 1))
	}
	return []*readout.Mask{m}
}

// Segment segments one image.
func (m *Model) Segment(ctx context.Context, img image.Image, opts ...SegmentOption) (*Segmentation, error) {
	list, err := m.SegmentBatch(ctx, []image.Image{img}, opts...)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// SegmentBatch segments several images. The first one that fails is the error.
func (m *Model) SegmentBatch(ctx context.Context, imgs []image.Image, opts ...SegmentOption) ([]*Segmentation, error) {
	o, err := m.SegmentOptions()
	if err != nil {
		return nil, err
	}
	for _, f := range opts {
		f(&o)
	}
	return Attention(o).Batch(ctx, m, imgs)
}

// SegmentStream segments images as they come.
func (m *Model) SegmentStream(ctx context.Context, inputs iter.Seq[Input], o SegmentOptions) iter.Seq2[Item[*Segmentation], error] {
	return Attention(o).Stream(ctx, m, inputs)
}

package engine

import (
	"context"
	"fmt"
	"image"
	"iter"

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

// SegmentOptions are the model's defaults: its crate.readout, else the paper's
// (last layer but one, of a ViT the last; mean of the heads; mass 0.6; nearest).
func (m *Model) SegmentOptions() (SegmentOptions, error) {
	c := &m.src.Config
	o, err := readout.ParseDefaults(c.Readout, c.ReadLayer())
	if err != nil {
		return SegmentOptions{}, modelError(m.src.Name, err)
	}
	return SegmentOptions{InputOptions: InputOptions{Filter: picture.Bilinear}, Options: o}, nil
}

// checkSegment resolves layers and heads against the model.
func (m *Model) checkSegment(o *SegmentOptions) error {
	c := &m.src.Config
	if len(o.Layers) == 0 {
		return fmt.Errorf("no layer is chosen")
	}
	layers := make([]int, len(o.Layers))
	for i, l := range o.Layers {
		var err error
		if layers[i], err = c.Layer(l); err != nil {
			return err
		}
	}
	o.Layers = layers
	if o.Head >= c.Heads {
		return fmt.Errorf("head %d: the model has heads 0 … %d", o.Head, c.Heads-1)
	}
	return nil
}

// CheckSegment reports the first option that the model does not have: a layer,
// a head.
func (m *Model) CheckSegment(o SegmentOptions) error { return m.checkSegment(&o) }

// SegmentOutputs are the tensors that the options read, for Check.
func (m *Model) SegmentOutputs(o SegmentOptions) []string {
	if m.checkSegment(&o) != nil {
		return nil
	}
	return m.attentionOutputs(o)
}

// SegmentStream segments images as they come: decoding, computing and reading
// out overlap. Items are yielded in the order of the inputs; an image that
// fails has an item with Err. The second value is a failure of the stream as a
// whole, such as a lost device.
func (m *Model) SegmentStream(ctx context.Context, inputs iter.Seq[Input], o SegmentOptions) iter.Seq2[Item[*Segmentation], error] {
	if err := m.checkSegment(&o); err != nil {
		return func(yield func(Item[*Segmentation], error) bool) { yield(Item[*Segmentation]{}, err) }
	}
	j := &job[*Segmentation]{m: m, opt: o.InputOptions, outputs: m.attentionOutputs(o)}
	j.finish = func(p *prepared, tensors map[string]*Tensor) (*Segmentation, error) {
		return m.readAttention(p, tensors, o), nil
	}
	j.opt.KeepPicture = o.KeepPicture || o.Refine == RefineGuided
	return j.run(ctx, inputs)
}

func (m *Model) attentionOutputs(o SegmentOptions) []string {
	var names []string
	for _, l := range o.Layers {
		names = append(names, fmt.Sprintf("cls_attention.%d", l))
	}
	return names
}

// readAttention makes masks of the class token's attention.
func (m *Model) readAttention(p *prepared, tensors map[string]*Tensor, o SegmentOptions) *Segmentation {
	c := &m.src.Config
	heads := []int{o.Head}
	if o.Head == readout.HeadEach {
		heads = heads[:0]
		for k := range c.Heads {
			heads = append(heads, k)
		}
	}
	s := &Segmentation{}
	refine := newRefiner(o.Refine, p)
	if o.HeadMaps {
		for k := range c.Heads {
			s.Heads = append(s.Heads, m.headMap(tensors, o, k))
		}
	}
	for _, k := range heads {
		mean := m.headMap(tensors, o, k)
		cells, rows, columns, score := p.frame.AttentionCells(mean, o.Options)
		for _, mask := range o.Finish.masks(refine.toImage(cells, rows, columns)) {
			s.Objects = append(s.Objects, Object{Mask: mask, Head: k, Score: score, Map: mean})
		}
	}
	return s
}

// headMap is the map of a head, or of the mean of all, over the layers chosen.
func (m *Model) headMap(tensors map[string]*Tensor, o SegmentOptions, k int) []float64 {
	c := &m.src.Config
	var maps [][]float64
	for _, name := range m.attentionOutputs(o) {
		cls := tensors[name].Data
		if k == readout.HeadMeanOf {
			maps = append(maps, readout.HeadMean(cls, c.Heads, c.Prefix))
		} else {
			maps = append(maps, readout.Normalise(readout.PatchMap(cls, c.Heads, c.Prefix, k)))
		}
	}
	return readout.Mean(maps)
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
	if o.Batch == 0 {
		o.Batch = min(m.BatchSize(0), len(imgs))
	}
	return collect(m.SegmentStream(ctx, Images(imgs), o))
}

// collect takes the values of a stream, or its first error.
func collect[T any](items iter.Seq2[Item[T], error]) ([]T, error) {
	var list []T
	for item, err := range items {
		if err == nil {
			err = item.Err
		}
		if err != nil {
			return nil, err
		}
		list = append(list, item.Value)
	}
	return list, nil
}

// Images are inputs made of pictures that a program already has.
func Images(imgs []image.Image) iter.Seq[Input] {
	return func(yield func(Input) bool) {
		for i, img := range imgs {
			load := func(context.Context) (*picture.RGB, error) {
				p := picture.FromImage(img)
				if p.Width == 0 || p.Height == 0 {
					return nil, fmt.Errorf("image %d is empty", i)
				}
				return p, nil
			}
			if !yield(Input{Name: fmt.Sprint(i), Load: load}) {
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

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"math"
	"os"

	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// imageParts is what pca finds in one image.
type imageParts struct {
	front []bool  // patches
	rgb   []uint8 // [patches 3]
}

// pca finds the parts that the images of a run share. It goes over the images
// once, keeps their descriptors in a temporary file, and then over that file:
// once for the foreground's components, once for the colours' ranges, once to
// paint. The outputs depend on all images of the run, so the header names them.
func (s *segmenting) pca(ctx context.Context) error {
	if s.incoming {
		return usage(fmt.Errorf("--method pca looks at all images of a run: it can't take them one by one"))
	}
	layer, err := oneLayer(s.f.attention.layer)
	if err != nil {
		return err
	}
	if layer, err = s.src.Config.Layer(layer); err != nil {
		return usage(err)
	}
	o := s.m.FeatureOptions()
	if o.InputOptions, err = s.f.input.options(); err != nil {
		return err
	}
	o.Layers, o.Facets = []int{layer}, []string{"key"}
	variant, err := parts.ParseVariant(s.f.variant)
	if err != nil {
		return usage(err)
	}
	digest, err := digestOf(s.tasks)
	if err != nil {
		return usage(err)
	}
	p := &partsRun{segmenting: s, opt: parts.Options{Variant: variant, Invert: s.f.invert}, features: o, key: fmt.Sprintf("key.%d", layer), width: s.src.Config.Inner}
	about := fmt.Sprintf("layer=%d variant=%s invert=%t images=%s", layer, variant, s.f.invert, digest)
	r := &folderRun[imageParts]{app: s.app, source: &s.f.source, decode: s.f.input.decode(), header: s.header("segment", s.describe(about))}
	r.stream, r.encode, r.finish = p.stream, p.encode, s.f.runFiles
	return r.run(ctx, s.tasks, false)
}

// digestOf identifies the images of a run by their contents.
func digestOf(tasks []task) (string, error) {
	h := sha256.New()
	for _, t := range tasks {
		sum, err := outputs.HashFile(t.path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, sum)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

type partsRun struct {
	*segmenting
	opt      parts.Options
	features engine.FeatureOptions
	key      string
	width    int // channels of a descriptor
}

// spooled is an image whose descriptors are in the temporary file.
type spooled struct {
	item engine.Item[engine.Features]
	n    int // patches, 0 when it failed
}

// stream is what folderRun asks for: inputs that are not finished. As each
// output depends on all images, all of them are computed when one is missing.
func (p *partsRun) stream(ctx context.Context, in iter.Seq[engine.Input]) iter.Seq2[engine.Item[imageParts], error] {
	return func(yield func(engine.Item[imageParts], error) bool) {
		wanted := map[string]engine.Input{}
		var order []string
		n := 0
		for i := range in {
			wanted[fmt.Sprint(n)] = i
			order = append(order, fmt.Sprint(n))
			n++
		}
		if n == 0 {
			return
		}
		if n != len(p.tasks) {
			yield(engine.Item[imageParts]{}, fmt.Errorf("some outputs of this run are missing, and each depends on all images: use --overwrite to make all of them again"))
			return
		}
		if err := p.find(ctx, wanted, order, yield); err != nil {
			yield(engine.Item[imageParts]{}, err)
		}
	}
}

// find computes all images, then yields their parts.
func (p *partsRun) find(ctx context.Context, wanted map[string]engine.Input, order []string, yield func(engine.Item[imageParts], error) bool) error {
	spool, err := os.CreateTemp("", "crate-vk-pca-*")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	inputs := func(yield func(engine.Input) bool) {
		for _, name := range order {
			if !yield(wanted[name]) {
				return
			}
		}
	}
	all := parts.NewMoments(p.width)
	var list []spooled
	out := bufio.NewWriterSize(spool, 1<<20)
	for item, err := range p.m.FeaturesStream(ctx, inputs, p.features) {
		if err != nil {
			return err
		}
		x := spooled{item: item}
		if item.Err == nil {
			d := p.descriptors(item)
			x.n = len(d) / p.width
			all.Add(d, nil)
			if err := binary.Write(out, binary.LittleEndian, d); err != nil {
				return err
			}
		}
		x.item.Value, x.item.Picture = nil, nil
		list = append(list, x)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if all.Count() == 0 {
		return p.failures(list, yield)
	}
	return p.paint(spool, list, all, yield)
}

// descriptors are the patches' rows of the key tensor.
func (p *partsRun) descriptors(item engine.Item[engine.Features]) []float32 {
	return item.Value[p.key].Data[p.src.Config.Prefix*p.width:]
}

func (p *partsRun) failures(list []spooled, yield func(engine.Item[imageParts], error) bool) error {
	for _, x := range list {
		if !yield(engine.Item[imageParts]{Input: x.item.Input, Frame: x.item.Frame, Err: x.item.Err}, nil) {
			return nil
		}
	}
	return nil
}

// paint goes over the spooled descriptors.
func (p *partsRun) paint(spool *os.File, list []spooled, all *parts.Moments, yield func(engine.Item[imageParts], error) bool) error {
	first, err := p.opt.First(all)
	if err != nil {
		return err
	}
	front := parts.NewMoments(p.width)
	if err := p.each(spool, list, func(_ int, img parts.Image) bool {
		front.Add(img.Descriptors, first.Foreground(img))
		return true
	}); err != nil {
		return err
	}
	colours, err := p.opt.Colours(front)
	if err != nil {
		return err
	}
	if err := p.each(spool, list, func(_ int, img parts.Image) bool {
		colours.Observe(img, first.Foreground(img))
		return true
	}); err != nil {
		return err
	}
	next, going := 0, true
	emit := func(upTo int) {
		for ; going && next < upTo; next++ { // images that failed in between
			x := list[next]
			going = yield(engine.Item[imageParts]{Input: x.item.Input, Frame: x.item.Frame, Err: x.item.Err}, nil)
		}
	}
	err = p.each(spool, list, func(i int, img parts.Image) bool {
		emit(i)
		mask := first.Foreground(img)
		if going {
			going = yield(engine.Item[imageParts]{Input: list[i].item.Input, Frame: list[i].item.Frame, Value: imageParts{mask, colours.Paint(img, mask)}}, nil)
		}
		next = i + 1
		return going
	})
	if err == nil {
		emit(len(list))
	}
	return err
}

// each reads the images back, in order.
func (p *partsRun) each(spool *os.File, list []spooled, f func(i int, img parts.Image) bool) error {
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(spool, 1<<20)
	for i, x := range list {
		if x.n == 0 {
			continue
		}
		raw := make([]byte, 4*x.n*p.width)
		if _, err := io.ReadFull(in, raw); err != nil {
			return err
		}
		d := make([]float32, x.n*p.width)
		for k := range d {
			d[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		}
		if !f(i, parts.Image{Rows: x.item.Frame.Rows, Columns: x.item.Frame.Columns, Descriptors: d}) {
			return nil
		}
	}
	return nil
}

// encode makes the files of an image: the parts in colours, and the foreground
// as its mask.
func (p *partsRun) encode(rec *record, base string, item engine.Item[imageParts]) (map[string][]byte, error) {
	frame := item.Frame
	refine := engine.MaskTool(p.f.finish.finish().Refine, frame)
	if refine.NeedsPicture() || p.f.has("overlay") {
		img, err := p.reload(rec)
		if err != nil {
			return nil, err
		}
		item.Picture = img
	}
	mask := refine.Mask(item.Picture, item.Value.front, frame.Rows, frame.Columns)
	seg := &engine.Segmentation{}
	for _, m := range p.f.finish.finish().Masks(mask) {
		seg.Objects = append(seg.Objects, engine.Object{Mask: m, Head: readout.HeadMeanOf, Score: float64(readout.Count(item.Value.front)) / float64(len(item.Value.front))})
	}
	files, err := p.f.encode(rec, base, engine.Item[*engine.Segmentation]{Input: item.Input, Picture: item.Picture, Frame: frame, Value: seg})
	if err != nil {
		return nil, err
	}
	files[".parts.png"], err = paint.Encode(show.Patches(item.Value.rgb, frame.Rows, frame.Columns, frame.ImageWidth, frame.ImageHeight))
	return files, err
}

// reload decodes an image a second time: the first time it was too early to
// draw on it, and keeping all images would fill the memory.
func (p *partsRun) reload(rec *record) (*picture.RGB, error) {
	for _, t := range p.tasks {
		if printable(t.rel) == rec.Path {
			img, _, err := picture.DecodeFile(context.Background(), t.path, p.f.input.decode())
			return img, err
		}
	}
	return nil, fmt.Errorf("%s is not among the inputs", rec.Path)
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/crate/readout/show"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// pca finds the parts that the images of a run share. Its outputs depend on all
// images of the run, so the header names them.
func (s *segmenting) pca(ctx context.Context) error {
	if s.incoming {
		return cli.Usage(fmt.Errorf("--method pca looks at all images of a run: it can't take them one by one"))
	}
	layer, err := cli.OneLayer(s.f.attention.Layer)
	if err != nil {
		return err
	}
	o := engine.PartsOptions{Options: s.f.pca.Options()}
	if layer, err = s.src.Config.Layer(layer); err != nil {
		return cli.Usage(err)
	}
	o.Layer = &layer
	if o.InputOptions, err = s.f.input.Options(); err != nil {
		return err
	}
	digest, err := digestOf(ctx, s.tasks)
	if err != nil {
		return cli.Usage(err)
	}
	p := &partsRun{s}
	about := fmt.Sprintf("layer=%d variant=%s invert=%t images=%s", layer, o.Variant, o.Invert, digest)
	r := &folderRun[parts.Parts]{app: s.app, source: &s.f.source, decode: s.f.input.Decode(), header: s.header("segment", s.describe(about))}
	r.model, r.read, r.encode, r.finish = s.m, engine.Parts(o), p.encode, s.f.runFiles
	return r.run(ctx, s.tasks, false)
}

// digestOf identifies the images of a run by their contents, which each of them
// is held to from here on. One that can't be read fails when its turn comes.
func digestOf(ctx context.Context, tasks []task) (string, error) {
	h := sha256.New()
	for i := range tasks {
		sum, err := tasks[i].hash(ctx)
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if err == nil {
			tasks[i].sum = sum
		}
		fmt.Fprintln(h, sum)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// partsRun is a run of segment by PCA.
type partsRun struct{ *segmenting }

// encode makes the files of an image: the parts in colours, and the foreground
// as its mask.
func (p *partsRun) encode(rec *record, base string, item engine.Item[parts.Parts]) (map[string][]byte, error) {
	frame := item.Frame
	finish := p.f.finish.Finish()
	if finish.Refine == engine.RefineGuided || finish.Refine == engine.RefineCRF || p.f.has("overlay") {
		img, err := p.reload(rec)
		if err != nil {
			return nil, err
		}
		item.Picture = img
	}
	mask := refine.Of(finish.Refine, frame, item.Picture).Mask(item.Value.Foreground, frame.Rows, frame.Columns)
	seg := &engine.Segmentation{}
	for _, m := range finish.Masks(mask) {
		seg.Objects = append(seg.Objects, engine.Object{Mask: m, Score: float64(readout.Count(item.Value.Foreground)) / float64(len(item.Value.Foreground))})
	}
	files, err := p.f.encode(rec, base, engine.Item[*engine.Segmentation]{Input: item.Input, Picture: item.Picture, Frame: frame, Value: seg})
	if err != nil {
		return nil, err
	}
	files[".parts.png"], err = paint.Encode(show.Patches(item.Value.RGB, frame.Rows, frame.Columns, frame.ImageWidth, frame.ImageHeight))
	return files, err
}

// reload decodes an image a second time: the first time it was too early to
// draw on it, and keeping all images would fill the memory.
func (p *partsRun) reload(rec *record) (*picture.RGB, error) {
	for _, t := range p.tasks {
		if t.label() == rec.Path {
			img, _, err := t.load(context.Background(), p.f.input.Decode())
			return img, err
		}
	}
	return nil, fmt.Errorf("%s is not among the inputs", rec.Path)
}

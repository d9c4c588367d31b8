package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
)

// segmentFlags of segment.
type segmentFlags struct {
	model  modelFlags
	device deviceFlags
	input  inputFlags
	source sourceFlags

	method   string
	layer    string
	head     string
	keep     string
	upsample string
	format   []string
	check    bool
}

func (a *app) segment() *cobra.Command {
	var f segmentFlags
	c := &cobra.Command{
		Use:   "segment [flags] PATH...",
		Short: "Turn images into masks",
		Long: `segment reads images, files or whole folders, and writes a mask for each: what the
class token attends to. Outputs mirror the folders of the inputs: a/b.jpg becomes
a/b.mask.png and a/b.overlay.png below --out. Running it again completes what is
missing.`,
		Args: f.source.args,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runSegment(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.register(s, false)
	s.StringVar(&f.method, "method", "attention", "attention: what the class token attends to")
	s.StringVar(&f.layer, "layer", "", "`N[,N...]`: layers to read, −1 is the last, several are averaged; default: the model's own")
	s.StringVar(&f.head, "head", "", "`N|mean|each`: one head, the mean of all, or a mask each; default: the model's own")
	s.StringVar(&f.keep, "keep", "", "`mass:S|count:S`: keep that share of the attention, or of the patches; default: the model's own")
	s.StringVar(&f.upsample, "upsample", "", "nearest: keep patches; bilinear: keep pixels of the upsampled map; default: the model's own")
	s.StringSliceVar(&f.format, "format", []string{"mask", "overlay"}, "outputs: mask, overlay, json")
	s.BoolVar(&f.check, "check", false, "compare every dispatch with the reference on the first image, and stop at a difference")
	f.source.register(s)
	f.input.register(s)
	f.device.register(s)
	return c
}

// suffixes are those of the files that a format makes.
func (f *segmentFlags) suffixes(heads int) []string {
	var list []string
	middle := []string{""}
	if f.head == "each" {
		middle = nil
		for k := range heads {
			middle = append(middle, fmt.Sprintf(".head%d", k))
		}
	}
	for _, m := range middle {
		list = append(list, m+".mask.png", m+".overlay.png")
	}
	return append(list, ".json")
}

// options resolves flags against the model's defaults.
func (f *segmentFlags) options(m *engine.Model) (engine.SegmentOptions, error) {
	o, err := m.SegmentOptions()
	if err != nil {
		return o, err
	}
	if o.InputOptions, err = f.input.options(); err != nil {
		return o, err
	}
	for _, s := range []struct{ key, val string }{{"layers", f.layer}, {"head", f.head}, {"keep", f.keep}, {"upsample", f.upsample}} {
		if s.val == "" {
			continue
		}
		if err := o.Set(s.key, s.val); err != nil {
			return o, usage(err)
		}
	}
	if err := m.CheckSegment(o); err != nil {
		return o, usage(err)
	}
	return o, nil
}

func (f *segmentFlags) checkFormats() error {
	for _, name := range f.format {
		if !slices.Contains([]string{"mask", "overlay", "json"}, name) {
			return usage(fmt.Errorf("--format %q: want some of mask, overlay, json", name))
		}
	}
	if f.method != "attention" {
		return usage(fmt.Errorf("--method is %q, want attention", f.method))
	}
	return nil
}

func (a *app) runSegment(ctx context.Context, f *segmentFlags, args []string) error {
	if err := f.checkFormats(); err != nil {
		return err
	}
	src, err := f.model.open(a)
	if err != nil {
		return err
	}
	tasks, stream, err := f.source.tasks(a, args, f.suffixes(src.Config.Heads))
	if err != nil {
		return err
	}
	e, err := f.device.open(ctx, a)
	if err != nil {
		return err
	}
	defer e.Close()
	m, err := e.Load(ctx, src)
	if err != nil {
		return err
	}
	o, err := f.options(m)
	if err != nil {
		return err
	}
	o.KeepPicture = slices.Contains(f.format, "overlay")
	if f.check {
		if err := a.checkFirst(ctx, m, tasks, &f.input, o.InputOptions, m.SegmentOutputs(o)); err != nil {
			return err
		}
	}
	r := &folderRun[*engine.Segmentation]{app: a, source: &f.source, decode: f.input.decode(), header: f.header(e, src, o)}
	r.stream = func(ctx context.Context, in iter.Seq[engine.Input]) iter.Seq2[engine.Item[*engine.Segmentation], error] {
		return m.SegmentStream(ctx, in, o)
	}
	r.encode = f.encode
	return r.run(ctx, tasks, stream)
}

// header says what the outputs depend on. Batch and cores are not among it.
func (f *segmentFlags) header(e *engine.Engine, src *engine.ModelSource, o engine.SegmentOptions) header {
	formats := slices.Sorted(slices.Values(f.format))
	flags := fmt.Sprintf("method=%s %s format=%s %s %s", f.method, o.Options, strings.Join(formats, ","), f.input.describe(), f.device.describe())
	return header{Command: "segment", Model: src.Name, SHA256: src.Hash, Flags: flags + configFlags(src), Version: versionString(),
		Device: e.Device().Name, Driver: e.Device().Driver, Tuning: e.Tuning()}
}

// encode makes the files of an image and fills its record.
func (f *segmentFlags) encode(rec *record, base string, item engine.Item[*engine.Segmentation]) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, obj := range item.Value.Objects {
		middle := ""
		mr := maskRecord{Box: obj.Mask.Box(), Area: obj.Mask.Area(), Score: obj.Score}
		if obj.Head >= 0 {
			head := obj.Head
			mr.Head = &head
		}
		if len(item.Value.Objects) > 1 {
			middle = fmt.Sprintf(".head%d", obj.Head)
		}
		rle, err := segmentation(obj.Mask)
		if err != nil {
			return nil, err
		}
		mr.Segmentation = rle
		rec.Masks = append(rec.Masks, mr)
		if slices.Contains(f.format, "mask") {
			if files[middle+".mask.png"], err = paint.EncodeMask(obj.Mask); err != nil {
				return nil, err
			}
		}
		if slices.Contains(f.format, "overlay") {
			if files[middle+".overlay.png"], err = paint.Encode(paint.Overlay(item.Picture, []*readout.Mask{obj.Mask})); err != nil {
				return nil, err
			}
		}
	}
	if slices.Contains(f.format, "json") {
		body, err := json.MarshalIndent(rec, "", "  ")
		if err != nil {
			return nil, err
		}
		files[".json"] = append(body, '\n')
	}
	return files, nil
}

// segmentation is a mask as COCO's compressed RLE.
func segmentation(m *readout.Mask) (json.RawMessage, error) {
	return json.Marshal(struct {
		Size   [2]int `json:"size"` // height, width
		Counts string `json:"counts"`
	}{[2]int{m.Height, m.Width}, coco.Encode(m.Pix, m.Width, m.Height).Compressed()})
}

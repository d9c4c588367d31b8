package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/engine"
)

// The methods of segment.
const (
	methodAttention = "attention"
	methodMaskCut   = "maskcut"
	methodPCA       = "pca"
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
	objects  int
	tau      float64
	mode     string
	compare  string
	refine   string
	fill     bool
	split    bool
	least    int
	variant  string
	invert   bool
	format   []string
	cocoForm string
	check    bool
}

func (a *app) segment() *cobra.Command {
	var f segmentFlags
	c := &cobra.Command{
		Use:   "segment [flags] PATH...",
		Short: "Turn images into masks",
		Long: `segment reads images, files or whole folders, and writes masks:

  attention  what the class token attends to: one mask an image, or one a head
  maskcut    objects, by cutting a graph of patches that are alike (MaskCut; TokenCut
             with --mode tokencut)
  pca        parts that the images of the run share, in colours, and the foreground

Outputs mirror the folders of the inputs: a/b.jpg becomes a/b.mask.png and
a/b.overlay.png below --out. Running it again completes what is missing.`,
		Args: f.source.args,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runSegment(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.register(s, false)
	s.StringVar(&f.method, "method", methodAttention, "attention, maskcut or pca")
	s.StringVar(&f.layer, "layer", "", "`N[,N...]`: layers to read, −1 is the last; of attention several are averaged; default: the model's own, of maskcut and pca the last")
	s.StringVar(&f.head, "head", "", "attention: `N|mean|each`: one head, the mean of all, or a mask each; default: the model's own")
	s.StringVar(&f.keep, "keep", "", "attention: `mass:S|count:S`: keep that share of the attention, or of the patches; default: the model's own")
	s.StringVar(&f.upsample, "upsample", "", "attention: nearest keeps patches, bilinear pixels of the upsampled map; default: the model's own")
	s.IntVar(&f.objects, "objects", 1, "maskcut: at most `N` objects an image")
	s.Float64Var(&f.tau, "tau", 0.15, "maskcut: patches are alike whose keys have a larger cosine")
	s.StringVar(&f.mode, "mode", "reference", "maskcut: reference follows the published program, strict stops at the first cut without a new object, tokencut looks for one object")
	s.StringVar(&f.compare, "descriptors", "key", "maskcut: compare patches by key, or by input, the tokens that enter the layer (as CRATE-α's authors do)")
	s.StringVar(&f.variant, "variant", "code", "pca: code follows the published program, paper the paper's text")
	s.BoolVar(&f.invert, "invert", false, "pca: take the other side of the first component as the foreground")
	s.StringVar(&f.refine, "refine", "none", "redraw masks along the image's colours: none, guided (fast) or crf (published parameters)")
	s.BoolVar(&f.fill, "fill-holes", false, "fill the holes of masks")
	s.BoolVar(&f.split, "split", false, "make each connected part of a mask an object of its own")
	s.IntVar(&f.least, "min-area", 1, "with --split: drop parts of fewer pixels than `N`")
	s.StringSliceVar(&f.format, "format", []string{"mask", "overlay"}, "outputs: "+strings.Join(formats(), ", "))
	s.StringVar(&f.cocoForm, "coco-form", "compressed", "masks in coco.json: compressed, uncompressed (RLE) or polygons")
	s.BoolVar(&f.check, "check", false, "compare every dispatch with the reference on the first image, and stop at a difference")
	f.source.register(s)
	f.input.register(s)
	s.Lookup("filter").Usage += "; default of maskcut and pca: lanczos"
	f.device.register(s)
	return c
}

// formats are the outputs that segment makes, coco, html and the like for the
// whole run.
func formats() []string {
	return []string{"mask", "overlay", "json", "heat", "heads", "npz", "safetensors", "coco", "html"}
}

func (f *segmentFlags) has(format string) bool { return slices.Contains(f.format, format) }

// checkFlags refuses what no method knows.
func (f *segmentFlags) checkFlags() error {
	for _, name := range f.format {
		if !slices.Contains(formats(), name) {
			return usage(fmt.Errorf("--format %q: want some of %s", name, strings.Join(formats(), ", ")))
		}
	}
	if !slices.Contains([]string{methodAttention, methodMaskCut, methodPCA}, f.method) {
		return usage(fmt.Errorf("--method is %q, want attention, maskcut or pca", f.method))
	}
	set := f.model.set
	for flag, method := range map[string]string{"head": methodAttention, "keep": methodAttention, "upsample": methodAttention, "objects": methodMaskCut,
		"tau": methodMaskCut, "mode": methodMaskCut, "descriptors": methodMaskCut, "variant": methodPCA, "invert": methodPCA} {
		if changed(set, flag) && f.method != method {
			return usage(fmt.Errorf("--%s belongs to --method %s, not to %s", flag, method, f.method))
		}
	}
	for _, format := range []string{"heat", "heads"} {
		if f.has(format) && f.method != methodAttention {
			return usage(fmt.Errorf("--format %s belongs to --method attention", format))
		}
	}
	if f.mode != "tokencut" {
		if _, err := maskcut.ParseMode(f.mode); err != nil {
			return usage(fmt.Errorf("--mode is %q, want reference, strict or tokencut", f.mode))
		}
	}
	if f.compare != "key" && f.compare != "input" {
		return usage(fmt.Errorf("--descriptors is %q, want key or input", f.compare))
	}
	if _, err := engine.ParseRefine(f.refine); err != nil {
		return usage(err)
	}
	if _, err := parts.ParseVariant(f.variant); err != nil {
		return usage(err)
	}
	if _, err := coco.ParseForm(f.cocoForm); err != nil {
		return usage(err)
	}
	if f.has("html") && !f.has("overlay") {
		f.format = append(f.format, "overlay") // the page shows them
	}
	if f.method != methodAttention && !changed(set, "filter") {
		f.input.filter = "lanczos"
	}
	return nil
}

// several says that masks are label maps: more than one object is possible.
func (f *segmentFlags) several() bool {
	return f.split || f.method == methodMaskCut && f.objects > 1
}

// suffixes are those of the files that the run may write.
func (f *segmentFlags) suffixes(heads int) []string {
	list := []string{".json", ".heads.png", ".npz", ".safetensors", ".parts.png"}
	middle := []string{""}
	if f.head == "each" {
		middle = nil
		for k := range heads {
			middle = append(middle, fmt.Sprintf(".head%d", k))
		}
	}
	for _, m := range middle {
		list = append(list, m+".mask.png", m+".overlay.png", m+".heat.png")
	}
	return list
}

func (a *app) runSegment(ctx context.Context, f *segmentFlags, args []string) error {
	if err := f.checkFlags(); err != nil {
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
	s := &segmenting{app: a, f: f, e: e, m: m, src: src, tasks: tasks, incoming: stream}
	switch f.method {
	case methodMaskCut:
		return s.maskCut(ctx)
	case methodPCA:
		return s.pca(ctx)
	}
	return s.attention(ctx)
}

// segmenting is a run of segment.
type segmenting struct {
	*app
	f        *segmentFlags
	e        *engine.Engine
	m        *engine.Model
	src      *engine.ModelSource
	tasks    []task
	incoming bool // tasks come on standard input instead
}

func (s *segmenting) attention(ctx context.Context) error {
	o, err := s.attentionOptions()
	if err != nil {
		return err
	}
	if s.f.check {
		if err := s.checkFirst(ctx, s.m, s.tasks, &s.f.input, o.InputOptions, 0, s.m.SegmentOutputs(o)); err != nil {
			return err
		}
	}
	return s.run(ctx, o.Options.String(), func(ctx context.Context, in iter.Seq[engine.Input]) iter.Seq2[engine.Item[*engine.Segmentation], error] {
		return s.m.SegmentStream(ctx, in, o)
	})
}

// attentionOptions resolves flags against the model's defaults.
func (s *segmenting) attentionOptions() (engine.SegmentOptions, error) {
	f := s.f
	o, err := s.m.SegmentOptions()
	if err != nil {
		return o, err
	}
	if o.InputOptions, err = f.input.options(); err != nil {
		return o, err
	}
	for _, x := range []struct{ key, val string }{{"layers", f.layer}, {"head", f.head}, {"keep", f.keep}, {"upsample", f.upsample}} {
		if x.val == "" {
			continue
		}
		if err := o.Set(x.key, x.val); err != nil {
			return o, usage(err)
		}
	}
	if err := s.m.CheckSegment(o); err != nil {
		return o, usage(err)
	}
	o.KeepPicture = f.has("overlay") || f.has("heads")
	o.HeadMaps = f.has("heads")
	o.Finish = f.finish()
	return o, nil
}

func (f *segmentFlags) finish() engine.Finish {
	r, _ := engine.ParseRefine(f.refine) // checked before
	return engine.Finish{Refine: r, FillHoles: f.fill, Split: f.split, Least: f.least}
}

func (s *segmenting) maskCut(ctx context.Context) error {
	o, err := s.maskCutOptions()
	if err != nil {
		return err
	}
	if s.f.check {
		if err := s.checkFirst(ctx, s.m, s.tasks, &s.f.input, o.InputOptions, o.Tau, s.m.MaskCutOutputs(o)); err != nil {
			return err
		}
	}
	about := fmt.Sprintf("layer=%d descriptors=%s objects=%d tau=%g mode=%s", o.Layer, s.f.compare, o.Objects, o.Tau, s.f.mode)
	return s.run(ctx, about, func(ctx context.Context, in iter.Seq[engine.Input]) iter.Seq2[engine.Item[*engine.Segmentation], error] {
		return s.m.MaskCutStream(ctx, in, o)
	})
}

func (s *segmenting) maskCutOptions() (engine.MaskCutOptions, error) {
	f := s.f
	o := s.m.MaskCutOptions()
	var err error
	if o.InputOptions, err = f.input.options(); err != nil {
		return o, err
	}
	if o.Layer, err = f.oneLayer(); err != nil {
		return o, err
	}
	o.Objects, o.Tau, o.Inputs = f.objects, f.tau, f.compare == "input"
	o.Strict = f.mode == "strict"
	if o.TokenCut = f.mode == "tokencut"; o.TokenCut && !changed(f.model.set, "tau") {
		o.Tau = maskcut.TauTokenCut
	}
	o.KeepPicture = f.has("overlay")
	o.Finish = f.finish()
	if err := s.m.CheckMaskCut(o); err != nil {
		return o, usage(err)
	}
	return o, nil
}

// oneLayer is the layer of a method that reads one; the default is the last.
func (f *segmentFlags) oneLayer() (int, error) {
	layer := -1
	if f.layer != "" {
		if _, err := fmt.Sscanf(f.layer+"\n", "%d\n", &layer); err != nil {
			return 0, usage(fmt.Errorf("--layer is %q, want one number for --method %s", f.layer, f.method))
		}
	}
	return layer, nil
}

// run streams segmentations into the output folder. about names the options
// of the method.
func (s *segmenting) run(ctx context.Context, about string, stream func(context.Context, iter.Seq[engine.Input]) iter.Seq2[engine.Item[*engine.Segmentation], error]) error {
	r := &folderRun[*engine.Segmentation]{app: s.app, source: &s.f.source, decode: s.f.input.decode(), header: s.header(about)}
	r.stream, r.encode, r.finish = stream, s.f.encode, s.f.runFiles
	return r.run(ctx, s.tasks, s.incoming)
}

// header says what the outputs depend on. Batch and cores are not among it.
func (s *segmenting) header(about string) header {
	f := s.f
	names := slices.Sorted(slices.Values(f.format))
	flags := fmt.Sprintf("method=%s %s refine=%s fill-holes=%t split=%t min-area=%d format=%s coco-form=%s %s %s", f.method, about, f.refine, f.fill, f.split, f.least,
		strings.Join(slices.Compact(names), ","), f.cocoForm, f.input.describe(), f.device.describe())
	return header{Command: "segment", Model: s.src.Name, SHA256: s.src.Hash, Flags: flags + configFlags(s.src), Version: versionString(),
		Device: s.e.Device().Name, Driver: s.e.Device().Driver, Tuning: s.e.Tuning()}
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
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
	model  cli.ModelFlags
	device cli.DeviceFlags
	input  cli.InputFlags
	source sourceFlags

	attention cli.AttentionFlags
	cut       cli.MaskCutFlags
	finish    cli.FinishFlags

	method   string
	pca      cli.PCAFlags
	format   []string
	cocoForm string
	check    bool
}

func (a *app) segment() *cobra.Command { return a.segmentCommand(new(segmentFlags)) }

// segmentCommand is the command whose flags go to f.
func (a *app) segmentCommand(f *segmentFlags) *cobra.Command {
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
		RunE: func(cmd *cobra.Command, args []string) error { return a.runSegment(cmd.Context(), f, args) },
	}
	s := c.Flags()
	f.model.Register(s, true)
	s.StringVar(&f.method, "method", methodAttention, "attention, maskcut or pca")
	f.attention.RegisterLayer(s)
	f.attention.Register(s, "attention: ")
	f.cut.Register(s, "maskcut: ", 1)
	f.pca.Register(s)
	f.finish.Register(s)
	s.StringSliceVar(&f.format, "format", []string{"mask", "overlay"}, "outputs: "+strings.Join(formats(), ", "))
	s.StringVar(&f.cocoForm, "coco-form", "compressed", "masks in coco.json: compressed, uncompressed (RLE) or polygons")
	s.BoolVar(&f.check, "check", false, "compare every dispatch with the reference on the first image, and stop at a difference")
	f.source.register(s, "crate-vk-out")
	f.input.Register(s)
	s.Lookup("filter").Usage += "; default of maskcut and pca: lanczos"
	f.device.RegisterJobs(s)
	f.device.Register(s)
	return c
}

// formats are the outputs that segment makes, coco, html and the like for the
// whole run.
func formats() []string {
	return cli.Words()["crate-vk segment --format"]
}

func (f *segmentFlags) has(format string) bool { return slices.Contains(f.format, format) }

// checkFlags refuses what no method knows.
func (f *segmentFlags) checkFlags() error {
	set := f.model.Set
	for flag, method := range map[string]string{"head": methodAttention, "keep": methodAttention, "upsample": methodAttention, "objects": methodMaskCut,
		"tau": methodMaskCut, "mode": methodMaskCut, "descriptors": methodMaskCut, "variant": methodPCA, "invert": methodPCA} {
		if cli.Changed(set, flag) && f.method != method {
			return cli.Usage(fmt.Errorf("--%s belongs to --method %s, not to %s", flag, method, f.method))
		}
	}
	for _, format := range []string{"heat", "heads"} {
		if f.has(format) && f.method != methodAttention {
			return cli.Usage(fmt.Errorf("--format %s belongs to --method attention", format))
		}
	}
	for _, check := range []func() error{f.attention.Check, f.finish.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	if f.method != methodAttention {
		if _, err := cli.OneLayer(f.attention.Layer); err != nil {
			return err
		}
	}
	if f.has("html") && !f.has("overlay") {
		f.format = append(f.format, "overlay") // the page shows them
	}
	if f.method != methodAttention && !cli.Changed(set, "filter") {
		f.input.Filter = "lanczos"
	}
	return nil
}

// several says that masks are label maps: more than one object is possible.
func (f *segmentFlags) several() bool {
	return f.finish.Split || f.method == methodMaskCut && f.cut.Objects > 1
}

// suffixes are those of the files that the run writes for an image.
func (f *segmentFlags) suffixes(heads int) []string {
	var list []string
	for format, suffix := range map[string]string{"json": ".json", "heads": ".heads.png", "npz": ".npz", "safetensors": ".safetensors"} {
		if f.has(format) {
			list = append(list, suffix)
		}
	}
	if f.method == methodPCA {
		list = append(list, ".parts.png")
	}
	middle := []string{""}
	if f.attention.Head == "each" {
		middle = nil
		for k := range heads {
			middle = append(middle, fmt.Sprintf(".head%d", k))
		}
	}
	for _, m := range middle {
		for format, suffix := range map[string]string{"mask": ".mask.png", "overlay": ".overlay.png", "heat": ".heat.png", "yolo": ".txt", "labelme": ".labelme.json"} {
			if f.has(format) {
				list = append(list, m+suffix)
			}
		}
	}
	slices.Sort(list)
	return list
}

// runNames are the names of the files that the run writes once.
func (f *segmentFlags) runNames() []string {
	var list []string
	if f.has("coco") {
		list = append(list, cocoName)
	}
	if f.has("html") {
		list = append(list, pageName)
	}
	return list
}

func (a *app) runSegment(ctx context.Context, f *segmentFlags, args []string) error {
	if err := f.checkFlags(); err != nil {
		return err
	}
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	f.source.suffixes, f.source.runFiles, f.source.keep = f.suffixes(src.Config.Heads), f.runNames(), f.model.Files()
	tasks, stream, err := f.source.tasks(ctx, a, args)
	if err != nil {
		return err
	}
	open, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer open.close()
	s := &segmenting{session: open, f: f, tasks: tasks, incoming: stream}
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
	*session
	f        *segmentFlags
	tasks    []task
	incoming bool // tasks come on standard input instead
}

func (s *segmenting) attention(ctx context.Context) error {
	o, err := s.f.attention.Options(s.m, &s.f.input)
	if err != nil {
		return err
	}
	o.KeepPicture = s.f.has("overlay") || s.f.has("heads")
	o.HeadMaps = s.f.has("heads")
	o.Finish = s.f.finish.Finish()
	return s.run(ctx, o.Options.String(), engine.Attention(o))
}

func (s *segmenting) maskCut(ctx context.Context) error {
	read, about, err := s.f.cut.Readout(s.m, &s.f.input, s.f.attention.Layer, s.f.has("overlay"), s.f.finish.Finish())
	if err != nil {
		return err
	}
	return s.run(ctx, about, read)
}

// run streams segmentations into the output folder. about names the options
// of the method.
func (s *segmenting) run(ctx context.Context, about string, read engine.Readout[*engine.Segmentation]) error {
	if s.f.check {
		if err := checkFirst(ctx, s.session, read, s.tasks, &s.f.input); err != nil {
			return err
		}
	}
	r := &folderRun[*engine.Segmentation]{app: s.app, source: &s.f.source, decode: s.f.input.Decode(), header: s.header("segment", s.describe(about))}
	r.model, r.read, r.encode, r.finish = s.m, read, s.f.encode, s.f.runFiles
	return r.run(ctx, s.tasks, s.incoming)
}

// describe names what the outputs depend on. Batch and cores are not among it.
func (s *segmenting) describe(about string) string {
	f := s.f
	names := slices.Sorted(slices.Values(f.format))
	return fmt.Sprintf("method=%s %s %s format=%s coco-form=%s %s %s", f.method, about, f.finish.Describe(),
		strings.Join(slices.Compact(names), ","), f.cocoForm, f.input.Describe(), f.device.Describe())
}

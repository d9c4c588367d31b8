package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
	"github.com/crate-vk/crate-vk/cmd/internal/eval"
	"github.com/crate-vk/crate-vk/engine"
)

// evalCOCOFlags of eval coco.
type evalCOCOFlags struct {
	evalFlags
	layer      string
	cut        cli.MaskCutFlags
	finish     cli.FinishFlags
	split      string
	images     string
	found      string
	byCategory bool
	results    string
}

func (a *app) evalCOCO() *cobra.Command {
	var f evalCOCOFlags
	c := &cobra.Command{
		Use:   "coco --truth DIR|FILE",
		Short: "Score MaskCut's objects on COCO",
		Long: `eval coco runs MaskCut on a split of COCO and scores boxes and masks class-agnostic
(all categories are one) with the standard rules: IoU 0.50:0.95, 101-point
interpolation, at most 100 detections, areas small, medium and large. With
--found it scores a file that was made before, such as segment's coco.json.

COCO's annotations are of the pixels as they are stored: images aren't turned as
their EXIF says. An image that can't be read, or isn't of the size that the truth
tells, counts as one in which nothing was found, and is named.

--truth is COCO's folder (annotations/instances_SPLIT.json, and SPLIT or
images/SPLIT with the images) or an instance file.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runEvalCOCO(cmd.Context(), &f) },
	}
	s := c.Flags()
	f.register(s, "COCO's folder `DIR`, or an instance file")
	s.StringVar(&f.split, "set", "val2017", "which `NAME` of images and instances")
	s.StringVar(&f.images, "images", "", "`DIR` of the images; default: beside the instances")
	s.StringVar(&f.found, "found", "", "score the annotations or results in `FILE` instead of running MaskCut")
	s.StringVar(&f.results, "results", "", "write what was found to `FILE`, as COCO's list of results")
	s.BoolVar(&f.byCategory, "by-category", false, "compare objects of one category with each other; of --found")
	s.IntVar(&f.limit, "limit", 0, "score the first `N` images; 0 is all")
	s.StringVar(&f.layer, "layer", "", "`N`: the layer whose descriptors are compared; default: the last")
	f.cut.Register(s, "", 3)
	f.finish.Register(s)
	f.registerRun(s)
	s.Lookup("filter").Usage += "; default here: lanczos"
	return c
}

func (f *evalCOCOFlags) check() error {
	for _, check := range []func() error{f.evalFlags.check, f.finish.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	if _, err := cli.OneLayer(f.layer); err != nil {
		return err
	}
	if f.byCategory && f.found == "" {
		return cli.Usage(fmt.Errorf("--by-category needs --found: MaskCut knows no categories"))
	}
	if f.results != "" && f.found != "" {
		return cli.Usage(fmt.Errorf("--results and --found exclude each other"))
	}
	if !cli.Changed(f.model.Set, "filter") {
		f.input.Filter = "lanczos"
	}
	if !cli.Changed(f.model.Set, "ignore-orientation") {
		f.input.Stored = true // as COCO's masks are
	}
	return nil
}

func (a *app) runEvalCOCO(ctx context.Context, f *evalCOCOFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	folder, err := eval.OpenCOCO(f.truth, f.split)
	if err != nil {
		return cli.Usage(err)
	}
	truth, err := coco.ReadFile(ctx, folder.Instances)
	if err != nil {
		return cli.Usage(err)
	}
	if err := cli.NotOver(f.results, append(f.model.Files(), folder.Instances)...); err != nil {
		return err
	}
	opt := eval.COCOOptions{ByCategory: f.byCategory}
	if len(truth.Images) == 0 {
		return cli.Usage(fmt.Errorf("%s has no images, want an instance file", quote.Path(folder.Instances)))
	}
	images := truth.Images
	if f.limit > 0 && f.limit < len(images) {
		images = images[:f.limit]
		for _, m := range images {
			opt.Images = append(opt.Images, m.ID)
		}
	}
	var found *coco.Dataset
	var s *session
	settings := "found=" + printable(f.found)
	var failed error
	if f.found != "" {
		if found, err = readFound(ctx, f.found, truth); err != nil {
			return cli.Usage(err)
		}
	} else {
		if f.images != "" {
			folder.Images = f.images
		}
		if folder.Images == "" {
			return cli.Usage(fmt.Errorf("%s: the images of %s are not beside it: name their folder with --images", printable(folder.Instances), f.split))
		}
		if s, err = a.loadFor(ctx, &f.evalFlags); err != nil {
			return err
		}
		defer s.close()
		if found, settings, failed = s.findCOCO(ctx, f, folder.Images, images); failed != nil && !partly(failed) {
			return failed
		}
		if f.results != "" {
			if err := writeFile(f.results, func(w io.Writer) error { return found.WriteResults(w, coco.CompressedRLE) }); err != nil {
				return err
			}
		}
	}
	result, err := eval.ScoreCOCO(ctx, truth, found, opt)
	if err != nil {
		return cli.Usage(err)
	}
	for _, line := range result.PassedOver.Lines() {
		a.log.Warn(line)
	}
	if err := a.print(&f.evalFlags, s, fmt.Sprintf("images=%d %s", len(images), settings), result); err != nil {
		return err
	}
	return failed
}

// readFound reads annotations or results; images that are known by name get the
// truth's ids.
func readFound(ctx context.Context, path string, truth *coco.Dataset) (*coco.Dataset, error) {
	found, err := coco.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(found.Images) > 0 {
		err = found.NumberLike(truth)
	}
	return found, err
}

// findCOCO runs MaskCut on the images of a split.
func (s *session) findCOCO(ctx context.Context, f *evalCOCOFlags, dir string, images []coco.Image) (*coco.Dataset, string, error) {
	read, about, err := f.cut.Readout(s.m, &f.input, f.layer, false, f.finish.Finish())
	if err != nil {
		return nil, "", err
	}
	var tasks []task
	var shown []coco.Image // of the tasks
	for _, m := range images {
		name := filepath.FromSlash(m.FileName)
		if !filepath.IsLocal(name) {
			s.log.Error(fmt.Sprintf("image %d has the file_name %q, want one below the images' folder: it counts as an image in which nothing was found", m.ID, m.FileName))
			continue
		}
		tasks, shown = append(tasks, task{path: filepath.Join(dir, name), rel: m.FileName}), append(shown, m)
	}
	if len(tasks) == 0 {
		return nil, "", cli.Usage(fmt.Errorf("none of the %d images of the truth has a file_name below the images' folder", len(images)))
	}
	found := &coco.Dataset{}
	at, misfits := 0, len(images)-len(tasks)
	p := &sweep[*engine.Segmentation]{app: s.app, tasks: tasks, decode: f.input.Decode()}
	p.model, p.read = s.m, read
	p.use = func(_ task, item engine.Item[*engine.Segmentation]) error {
		img := shown[at]
		at++
		if item.Err != nil {
			return nil
		}
		if w, h := item.Frame.ImageWidth, item.Frame.ImageHeight; img.Width != 0 && (w != img.Width || h != img.Height) {
			s.log.Error(fmt.Sprintf("%s is %d×%d (width×height), the truth says %d×%d: it counts as an image in which nothing was found", printable(img.FileName), w, h, img.Width, img.Height))
			misfits++
			return nil
		}
		for _, obj := range item.Value.Objects {
			if obj.Mask.Area() > 0 {
				rle := coco.Encode(obj.Mask.Pix, obj.Mask.Width, obj.Mask.Height)
				found.Annotations = append(found.Annotations, coco.NewAnnotation(int64(len(found.Annotations)+1), img.ID, rle, obj.Score))
			}
		}
		return nil
	}
	settings := fmt.Sprintf("%s %s %s orientation=stored %s", about, f.finish.Describe(), f.input.Describe(), f.device.Describe())
	err = p.run(ctx)
	if err == nil && misfits > 0 {
		err = cli.Coded(cli.ExitInputs, fmt.Errorf("%d of %d images are not what the truth says", misfits, len(images)))
	}
	return found, settings, err
}

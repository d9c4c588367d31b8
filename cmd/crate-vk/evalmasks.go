package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/eval"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// evalMaskFlags of eval masks.
type evalMaskFlags struct {
	evalFlags
	attention cli.AttentionFlags
	finish    cli.FinishFlags
	source    sourceFlags
	masks     string
	reading   readingFlags
	baselines bool
}

// readingFlags say how PNGs are masks.
type readingFlags struct{ foreground, void, channel string }

func (f *readingFlags) register(s *pflag.FlagSet) {
	s.StringVar(&f.foreground, "foreground", "auto", "what is object in PNGs: auto, bright (above 127), nonzero or dark; auto goes by all files together, and what it chose is printed")
	s.StringVar(&f.void, "void", "auto", "`N` is the gray value or palette index of true masks that counts for nothing, such as 255; auto or none")
	s.StringVar(&f.channel, "channel", "auto", "where the mask is in PNGs: colour or alpha; auto takes alpha where colours are the same everywhere")
}

// rules are how the truth is read, and how masks that were found are: those have no void,
// and their object isn't dark.
func (f *readingFlags) rules() (truth, found eval.MaskRule, err error) {
	if truth.Foreground, err = eval.ParseForeground(f.foreground); err != nil {
		return truth, found, cli.Usage(fmt.Errorf("--foreground: %w", err))
	}
	if truth.Void, err = eval.ParseVoid(f.void); err != nil {
		return truth, found, cli.Usage(fmt.Errorf("--void: %w", err))
	}
	if truth.Channel, err = eval.ParseChannel(f.channel); err != nil {
		return truth, found, cli.Usage(fmt.Errorf("--channel: %w", err))
	}
	found.Void = eval.Void{Fixed: true, Number: -1}
	if truth.Foreground != eval.ForegroundDark {
		found.Foreground = truth.Foreground
	}
	return truth, found, nil
}

func (a *app) evalMasks() *cobra.Command {
	var f evalMaskFlags
	c := &cobra.Command{
		Use:   "masks --truth DIR (PATH... | --masks DIR)",
		Short: "Score masks against ground-truth PNGs",
		Long: `eval masks compares masks with true ones, PNGs that are named like the images:
a/b.jpg goes with a/b.png. They may be 0 and 255, 0 and 1, labels, colours, or in
an alpha channel, with pixels that count for nothing (void, 255 among labels).

With PATHs of images it runs the model and scores what segment would write with
these flags, then each head's mask by itself, and the best of an image's masks,
which nobody could choose without the truth: an oracle. With --masks, or when
PATH is a folder that segment wrote into, it scores the masks there.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runEvalMasks(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.register(s, "`DIR` of true masks")
	s.StringVar(&f.masks, "masks", "", "score the masks in `DIR` (NAME.mask.png, else all PNGs) instead of running a model")
	f.reading.register(s)
	s.BoolVar(&f.baselines, "baselines", false, "score a centred box of the objects' mean area, Otsu's luminance threshold and the whole image, too")
	f.attention.RegisterLayer(s)
	f.attention.RegisterKeep(s, "")
	s.StringVar(&f.attention.Head, "head", "", "`N|mean`: the head that is read; default: the model's own")
	f.finish.Register(s)
	f.source.registerList(s)
	f.registerRun(s)
	return c
}

func (a *app) runEvalMasks(ctx context.Context, f *evalMaskFlags, args []string) error {
	truthRule, foundRule, err := f.checkAll(args)
	if err != nil {
		return err
	}
	if f.masks == "" && len(args) == 1 && holdsMasks(ctx, args[0]) {
		f.masks = args[0]
	}
	if f.masks != "" {
		result, err := eval.ScoreFolders(ctx, f.truth, f.masks, eval.FolderOptions{Truth: truthRule, Found: foundRule})
		if err != nil {
			return cli.Usage(err)
		}
		for _, line := range result.Problems(5) {
			a.log.Warn(line)
		}
		if err := a.print(&f.evalFlags, nil, fmt.Sprintf("masks of %s, read as %s\ntruth %s", printable(f.masks), result.Found, result.Truth), result); err != nil {
			return err
		}
		return incomplete(len(result.Failed) + len(result.Missing))
	}
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	tasks, err := f.source.list(ctx, a, args)
	if err != nil {
		return err
	}
	truth, err := truthFiles(ctx, f.truth)
	if err != nil {
		return err
	}
	if tasks = a.withTruth(tasks, truth); len(tasks) == 0 {
		return cli.Usage(fmt.Errorf("no image has the name of a mask in %s", printable(f.truth)))
	}
	rule, err := eval.SurveyFolder(ctx, truthOf(tasks, truth), truthRule)
	if err != nil {
		return cli.Usage(err)
	}
	s, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer s.close()
	return (&maskEval{session: s, f: f, rule: rule, truth: truth}).run(ctx, tasks)
}

func (f *evalMaskFlags) checkAll(args []string) (truth, found eval.MaskRule, err error) {
	for _, check := range []func() error{f.evalFlags.check, f.attention.Check, f.finish.Check} {
		if err := check(); err != nil {
			return truth, found, err
		}
	}
	if truth, found, err = f.reading.rules(); err != nil {
		return truth, found, err
	}
	if f.attention.Head == "each" {
		return truth, found, cli.Usage(fmt.Errorf("--head each: every head is scored anyway"))
	}
	given := 0
	for _, there := range []bool{len(args) > 0, f.masks != "", f.source.filesFrom != ""} {
		if there {
			given++
		}
	}
	if given != 1 {
		return truth, found, cli.Usage(fmt.Errorf("name images, or --masks DIR, or --files-from FILE: one of them"))
	}
	return truth, found, nil
}

// holdsMasks reports a folder that segment wrote masks into.
func holdsMasks(ctx context.Context, dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	list, err := eval.MaskFolder(ctx, dir)
	return err == nil && len(list) > 0 && list[0].Written()
}

// withTruth are the images that have a true mask.
func (a *app) withTruth(tasks []task, truth map[string]eval.MaskFile) []task {
	var list []task
	for _, t := range tasks {
		if _, ok := truth[stem(t.rel)]; ok {
			list = append(list, t)
		}
	}
	if n := len(tasks) - len(list); n > 0 {
		a.log.Warn(fmt.Sprintf("%d images have no true mask and are left out", n))
	}
	return list
}

// truthOf are the true masks of images that have one.
func truthOf(tasks []task, truth map[string]eval.MaskFile) []eval.MaskFile {
	var list []eval.MaskFile
	for _, t := range tasks {
		list = append(list, truth[stem(t.rel)])
	}
	return list
}

// incomplete is the outcome of an evaluation that lacks images.
func incomplete(n int) error {
	if n == 0 {
		return nil
	}
	return cli.Coded(cli.ExitInputs, fmt.Errorf("%d images have no score", n))
}

// maskEval runs a model and scores its masks.
type maskEval struct {
	*session
	f      *evalMaskFlags
	rule   eval.Reading
	truth  map[string]eval.MaskFile
	scorer eval.MaskScorer
	share  float64 // mean share of the objects, for a baseline
}

func (v *maskEval) run(ctx context.Context, tasks []task) error {
	o, err := v.f.attention.Options(v.m, &v.f.input)
	if err != nil {
		return err
	}
	if v.f.baselines {
		if v.share, err = v.meanShare(ctx, tasks); err != nil {
			return err
		}
	}
	o.HeadMaps, o.KeepPicture = true, v.f.baselines
	o.Finish = v.f.finish.Finish()
	p := &sweep[*engine.Segmentation]{app: v.app, tasks: tasks, decode: v.f.input.Decode()}
	p.model, p.read = v.m, engine.Attention(o)
	p.use = func(t task, item engine.Item[*engine.Segmentation]) error { return v.add(ctx, t, item, o) }
	failed := p.run(ctx)
	if failed != nil && !partly(failed) {
		return failed
	}
	settings := fmt.Sprintf("%s %s %s %s\ntruth %s", o.Options, v.f.finish.Describe(), v.f.input.Describe(), v.f.device.Describe(), v.rule)
	result := v.scorer.Scores()
	if text := result.Inverted(); text != "" {
		v.log.Warn(text)
	}
	if err := v.print(&v.f.evalFlags, v.session, settings, result); err != nil {
		return err
	}
	return incomplete(len(result.Failed))
}

func (v *maskEval) meanShare(ctx context.Context, tasks []task) (float64, error) {
	sum := 0.0
	for _, t := range tasks {
		m, err := eval.ReadMask(ctx, v.truth[stem(t.rel)].Path, v.rule)
		if err != nil {
			return 0, cli.Usage(err)
		}
		sum += eval.Share(m.Gray)
	}
	return sum / float64(len(tasks)), nil
}

// add scores an image: what is read, each head, and what needs no model.
func (v *maskEval) add(ctx context.Context, t task, item engine.Item[*engine.Segmentation], o engine.AttentionOptions) error {
	name := stem(t.rel)
	if item.Err != nil {
		v.scorer.Fail(name, item.Err)
		return nil
	}
	truth, err := eval.ReadMask(ctx, v.truth[name].Path, v.rule)
	if err != nil {
		v.log.Error(v.scorer.Fail(name, err).Error())
		return nil
	}
	w, h := item.Frame.ImageWidth, item.Frame.ImageHeight
	if truth.Width != w || truth.Height != h {
		err := fmt.Errorf("is %d×%d (width×height), its true mask %d×%d", w, h, truth.Width, truth.Height)
		v.log.Error(v.scorer.Fail(name, err).Error())
		return nil
	}
	read := picture.NewGray(w, h)
	for _, obj := range item.Value.Objects {
		for i, p := range obj.Mask.Pix {
			read.Pix[i] |= p
		}
	}
	list := []eval.Candidate{{Label: "read", Mask: read}}
	for k, m := range item.Value.Heads {
		mask, _ := item.Frame.Attention(m, o.Options)
		list = append(list, eval.Candidate{Label: fmt.Sprint("head ", k), Mask: gray(mask)})
	}
	if v.f.baselines {
		list = append(list, eval.Candidate{Label: "centred box", Mask: eval.CentredBox(w, h, v.share), Baseline: true},
			eval.Candidate{Label: "Otsu luminance", Mask: eval.Otsu(item.Picture), Baseline: true},
			eval.Candidate{Label: "everything", Mask: eval.Everything(w, h), Baseline: true})
	}
	if err := v.scorer.Add(name, truth, list); err != nil {
		v.log.Error(err.Error())
	}
	return nil
}

func gray(m *readout.Mask) *picture.Gray {
	return &picture.Gray{Width: m.Width, Height: m.Height, Pix: m.Pix}
}

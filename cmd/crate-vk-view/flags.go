//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// flags of the window: those of segment that say what is read off a model, and its own.
type flags struct {
	model     cli.ModelFlags
	device    cli.DeviceFlags
	input     cli.InputFlags
	attention cli.AttentionFlags
	cut       cli.MaskCutFlags
	finish    cli.FinishFlags
	pca       cli.PCAFlags

	set     *pflag.FlagSet
	show    string
	method  string
	opacity float64
	colours string
	out     string
	window  string
	present string

	screenshot string
	at         string
	script     string
}

func (f *flags) register(s *pflag.FlagSet) {
	f.set = s
	f.model.Register(s, true)
	s.StringVar(&f.show, "show", string(viewer.ShowAttention), "the map: attention of the patch under the mouse, keys like the patch's, or class, the class token's attention")
	s.StringVar(&f.method, "method", string(viewer.MethodNone), "the mask: none, attention, maskcut or pca")
	f.attention.RegisterLayer(s)
	s.Lookup("layer").Usage = "`N`: layer to begin with, -1 is the last; default: the model's own"
	f.attention.Register(s, "")
	s.Lookup("head").Usage = "`N|mean`: head to begin with, or the mean of all; default: the model's own"
	f.cut.Register(s, "maskcut: ", 1)
	f.pca.Register(s)
	f.finish.Register(s)
	f.input.RegisterOne(s)
	f.device.RegisterDevice(s)
	s.BoolVar(&f.device.NoCache, "no-cache", false, "keep no compiled kernels and self-tests on disk")
	s.StringVar(&f.present, "present", "", "device `SEL` that shows the window; default: the one that computes, where it can")
	s.Float64Var(&f.opacity, "opacity", 0.65, "of the map over the photograph, 0 … 1")
	s.StringVar(&f.colours, "colours", viewer.ColourMaps()[0].Name, "colour map: "+strings.Join(colourNames(), ", "))
	s.StringVar(&f.window, "window", "1100x720", "size `WxH` of the window")
	s.StringVarP(&f.out, "out", "o", ".", "folder `DIR` of what the keys s and m save")
	s.StringVar(&f.screenshot, "screenshot", "", "draw one frame into `FILE`, a PNG, without a window, and exit")
	s.StringVar(&f.at, "at", "", "with --screenshot: the mouse points at pixel `X,Y` of the image")
	s.StringVar(&f.script, "script", "", "play the keys and the mouse that `FILE` says, then exit; with --screenshot before the frame is drawn")
}

func colourNames() []string {
	var list []string
	for _, m := range viewer.ColourMaps() {
		list = append(list, m.Name)
	}
	return list
}

// numbers reads two numbers with a sign between them.
func numbers(text, sign string) (p image.Point, err error) {
	a, b, ok := strings.Cut(text, sign)
	if p.X, err = strconv.Atoi(a); err == nil {
		p.Y, err = strconv.Atoi(b)
	}
	if !ok || err != nil {
		err = fmt.Errorf("%q is not two numbers with %s between them", text, sign)
	}
	return p, err
}

// check refuses what no model could show.
func (f *flags) check() (size image.Point, err error) {
	if size, err = numbers(f.window, "x"); err != nil || min(size.X, size.Y) < 1 || max(size.X, size.Y) > 1<<14 {
		return size, fmt.Errorf("--window is %q, want WxH of 1 to %d pixels", f.window, 1<<14)
	}
	switch {
	case f.screenshot != "" && !strings.EqualFold(filepath.Ext(f.screenshot), ".png"):
		return size, fmt.Errorf("--screenshot is %s, want a name that ends in .png", quote.Path(f.screenshot))
	case f.at != "" && f.screenshot == "":
		return size, errors.New("--at belongs to --screenshot: in the window the mouse is where it is")
	case f.attention.Head == "each":
		return size, errors.New("--head each: the window shows all heads at its side; want a head to begin with, or mean")
	case f.device.Device == engine.Interpreter:
		return size, errors.New("--device cpu, the interpreter, has no window: take a Vulkan device")
	}
	if f.at != "" {
		if _, err := numbers(f.at, ","); err != nil {
			return size, fmt.Errorf("--at: %w", err)
		}
	}
	for _, check := range []func() error{f.attention.Check, f.finish.Check} {
		if err := check(); err != nil {
			return size, err
		}
	}
	return size, nil
}

// reads are the files that the flags name.
func (f *flags) reads() []string { return append(f.model.Files(), f.script) }

// steps reads the script.
func (f *flags) steps(ctx context.Context) ([]viewer.Step, error) {
	if f.script == "" {
		return nil, nil
	}
	data, err := regular.Read(ctx, f.script, regular.Config)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--script: %w", err))
	}
	steps, err := viewer.ParseScript(strings.NewReader(string(data)))
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--script %s: %w", f.script, err))
	}
	return steps, nil
}

// run shows the images that the arguments name.
func (f *flags) run(ctx context.Context, log *slog.Logger, args []string) error {
	size, err := f.check()
	if err != nil {
		return cli.Usage(err)
	}
	steps, err := f.steps(ctx)
	if err != nil {
		return err
	}
	files, names, problems, err := list(ctx, args)
	if err != nil {
		return err
	}
	for _, p := range problems {
		log.Error(p.Error())
	}
	if len(files) == 0 && (len(args) > 0 || f.screenshot != "") {
		if len(args) == 0 {
			return cli.Usage(errors.New("--screenshot shows an image: name one, or a folder"))
		}
		return cli.Usage(fmt.Errorf("no images found in %s", strings.Join(args, ", ")))
	}
	if f.screenshot != "" {
		if err := cli.NotOver(f.screenshot, slices.Concat(files, f.reads())...); err != nil {
			return err
		}
		if len(files) > 1 && f.script == "" {
			log.Info(fmt.Sprintf("of %d images the screenshot shows the first, %s", len(files), quote.Path(files[0])))
		}
	}
	src, err := f.model.Open(log)
	if err != nil {
		return err
	}
	validation := os.Getenv("CRATE_VK_VALIDATION") == "1"
	var more []engine.Option
	if validation {
		more = append(more, engine.WithValidation())
	}
	var d *display
	if f.screenshot == "" { // before the engine, which takes a queue that can show pictures
		if d, err = openDisplay(size.X, size.Y, validation, f.device.Bits); err != nil {
			src.Close()
			return err
		}
		defer d.close()
	}
	eng, err := f.device.Open(ctx, log, more...)
	if err != nil {
		src.Close()
		return err
	}
	defer eng.Close()
	model, err := eng.Load(ctx, src)
	if err != nil {
		return err
	}
	s, err := f.session(eng, model, files, names)
	if err != nil {
		return err
	}
	if d != nil {
		w := &windowed{display: d, log: log, via: f.present, steps: steps, scripted: f.script != ""}
		err = w.run(ctx, s)
	} else {
		s.handle(viewer.Resize{Width: size.X, Height: size.Y, Scale: 1})
		err = f.shoot(ctx, s, steps)
	}
	if err == nil && len(problems) > 0 && (d == nil || f.script != "") {
		err = cli.Coded(cli.ExitInputs, nil) // each was named
	}
	return err
}

// session is an app with what the flags choose.
func (f *flags) session(eng *engine.Engine, model *engine.Model, files, names []string) (*session, error) {
	c := model.Config()
	o := &options{out: f.out, reads: f.reads(), decode: f.input.Decode(), finish: f.finish.Finish(), objects: f.cut.Objects}
	input, err := f.input.Options()
	if err != nil {
		return nil, err
	}
	o.input, o.classes = input, !model.Source().Preset() && engine.Classify(engine.ClassifyOptions{InputOptions: input}).Check(&c) == nil
	if o.attention, err = f.attention.Options(model, &f.input); err != nil {
		return nil, err
	}
	layer := o.attention.Layers[0]
	if layer, err = c.Layer(layer); err != nil {
		return nil, cli.Usage(err)
	}
	if cli.Changed(f.set, "layer") && len(o.attention.Layers) > 1 {
		return nil, cli.Usage(errors.New("--layer: the window shows one layer at a time"))
	}
	o.cut = func(layer int) engine.Readout[*engine.Segmentation] {
		read, _, _ := f.cut.Readout(model, &f.input, strconv.Itoa(layer), false, o.finish) // was tried below
		return read
	}
	if _, _, err := f.cut.Readout(model, &f.input, strconv.Itoa(layer), false, o.finish); err != nil {
		return nil, err
	}
	o.pca = engine.PartsOptions{InputOptions: input, Options: f.pca.Options()}
	info := about(model, eng, &c)
	info.KeepPatches = o.attention.Keep.Count
	choice := viewer.DefaultChoice(info)
	choice.Layer, choice.Show, choice.Method, choice.Opacity = layer, viewer.Show(f.show), viewer.Method(f.method), f.opacity
	choice.Keep, choice.Colours = o.attention.Options.Keep.Share, slices.Index(colourNames(), f.colours)
	if head, one := o.attention.Head.Index(); one {
		choice.Head = head
	}
	return newSession(newApp(o, model, newModelReader(model, eng, input), viewer.New(info, names, choice), files))
}

// about is what the window says of a model, and what it can't show of it.
func about(model *engine.Model, eng *engine.Engine, c *crate.Config) viewer.Model {
	m := viewer.Model{Name: model.Source().Name, Device: eng.Device().Name, Layers: c.Depth, Heads: c.Heads}
	if model.Source().Preset() {
		m.Name += " (random weights)"
	}
	if c.Prefix == 0 {
		m.NoClass = "the model has no class token"
	}
	return m
}

// shoot draws one frame as the window would, and writes it.
func (f *flags) shoot(ctx context.Context, s *session, steps []viewer.Step) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	defer func() {
		cancel(errClosed)
		if failed := <-done; err == nil || errors.Is(err, errClosed) {
			err = failed
		}
	}()
	go func() { // where drawing ends, waiting does
		failed := <-done
		done <- failed
		cancel(failed)
	}()
	on := offstage{ctx, s}
	if err := s.play(ctx, append([]viewer.Step{{Command: viewer.Wait{}}}, steps...), on); err != nil {
		return err
	}
	if f.at != "" {
		at, _ := numbers(f.at, ",") // was checked
		move, err := s.pointAt(at)
		if err != nil {
			return cli.Usage(err)
		}
		on.feed(move)
	}
	if err := s.shownAll(ctx); err != nil {
		return err
	}
	s.frames.Lock()
	s.drawer.untimed = true // a first frame's times say nothing
	s.frames.Unlock()
	if err := s.saveShot(ctx, f.screenshot); err != nil {
		return err
	}
	if err := s.trouble(); err != nil {
		return cli.Coded(cli.ExitInputs, err)
	}
	return nil
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
)

// attentionFlags say how masks are read off attention; what is empty is the
// model's own choice.
type attentionFlags struct {
	layer    string
	head     string
	keep     string
	upsample string
}

// register registers all but the layer, which other methods have too. about
// goes before the usages.
func (f *attentionFlags) register(s *pflag.FlagSet, about string) {
	f.registerKeep(s, about)
	s.StringVar(&f.head, "head", "", about+"`N|mean|each`: one head, the mean of all, or a mask each; default: the model's own")
}

func (f *attentionFlags) registerLayer(s *pflag.FlagSet) {
	s.StringVar(&f.layer, "layer", "", "`N[,N...]`: layers to read, −1 is the last; of attention several are averaged; default: the model's own, of maskcut and pca the last")
}

func (f *attentionFlags) registerKeep(s *pflag.FlagSet, about string) {
	s.StringVar(&f.keep, "keep", "", about+"`mass:S|count:S`: keep that share of the attention, or of the patches; default: the model's own")
	s.StringVar(&f.upsample, "upsample", "", about+"nearest keeps patches, bilinear pixels of the upsampled map; default: the model's own")
}

// apply sets what the flags say.
func (f *attentionFlags) apply(o *readout.Options) error {
	for _, x := range []struct{ key, val string }{{"layers", f.layer}, {"head", f.head}, {"keep", f.keep}, {"upsample", f.upsample}} {
		if x.val == "" {
			continue
		}
		if err := o.Set(x.key, x.val); err != nil {
			return usage(fmt.Errorf("--%s", strings.TrimPrefix(err.Error(), "--")))
		}
	}
	return nil
}

// readoutWords says what --readout of compile, bench and tune may name: tensors, or
// all that a read-out with its default options needs.
func readoutWords() string {
	return "logits, tokens, attention@LAYER, keys@LAYER, or all that a read-out needs: " + strings.Join(expert.ReadoutNames(), ", ")
}

// check refuses what no model could read, before one is opened.
func (f *attentionFlags) check() error { return f.apply(&readout.Options{}) }

// options are the model's defaults under the flags.
func (f *attentionFlags) options(m *engine.Model, input *inputFlags) (o engine.AttentionOptions, err error) {
	c := m.Config()
	if _, err := (readout.Options{}).Resolved(&c); err != nil {
		return o, &engine.ModelError{Path: m.Source().Name, Err: err}
	}
	if o.InputOptions, err = input.options(); err != nil {
		return o, err
	}
	if err := f.apply(&o.Options); err != nil {
		return o, err
	}
	if o, err = o.Resolved(&c); err != nil {
		return o, usage(err)
	}
	return o, nil
}

// maskCutFlags are MaskCut's.
type maskCutFlags struct {
	set         *pflag.FlagSet
	objects     int
	tau         float64
	mode        string
	descriptors string
}

func (f *maskCutFlags) register(s *pflag.FlagSet, about string, objects int) {
	f.set = s
	s.IntVar(&f.objects, "objects", objects, about+"at most `N` objects an image")
	s.Float64Var(&f.tau, "tau", maskcut.Tau, about+"patches are alike whose keys have a larger cosine")
	s.StringVar(&f.mode, "mode", "reference", about+"reference follows the published program, strict stops at the first cut without a new object, tokencut looks for one object")
	s.StringVar(&f.descriptors, "descriptors", "key", about+"compare patches by key, or by input, the tokens that enter the layer (as CRATE-α's authors do)")
}

func (f *maskCutFlags) check() error {
	if f.mode != "tokencut" {
		if _, err := maskcut.ParseMode(f.mode); err != nil {
			return usage(fmt.Errorf("--mode is %q, want reference, strict or tokencut", f.mode))
		}
	}
	if f.descriptors != "key" && f.descriptors != "input" {
		return usage(fmt.Errorf("--descriptors is %q, want key or input", f.descriptors))
	}
	return nil
}

// readout is MaskCut, or TokenCut, under the flags: the published options where they say
// nothing. layer is --layer's value; about names what the outputs depend on.
func (f *maskCutFlags) readout(m *engine.Model, input *inputFlags, layer string, keepPicture bool, finish engine.Finish) (read engine.Readout[*engine.Segmentation], about string, err error) {
	o := engine.MaskCutOptions{Finish: finish, Inputs: f.descriptors == "input", Tau: &f.tau, Objects: f.objects, Strict: f.mode == "strict"}
	if o.InputOptions, err = input.options(); err != nil {
		return read, "", err
	}
	o.KeepPicture = keepPicture
	at, err := oneLayer(layer)
	if err != nil {
		return read, "", err
	}
	o.Layer = &at
	read = engine.MaskCut(o)
	if f.mode == "tokencut" {
		if !changed(f.set, "tau") {
			o.Tau = new(maskcut.TauTokenCut)
		}
		read = engine.TokenCut(engine.TokenCutOptions{InputOptions: o.InputOptions, Finish: finish, Layer: o.Layer, Inputs: o.Inputs, Tau: o.Tau})
	}
	c := m.Config()
	if err := read.Check(&c); err != nil {
		return read, "", usage(err)
	}
	return read, fmt.Sprintf("layer=%d descriptors=%s objects=%d tau=%g mode=%s", at, f.descriptors, f.objects, *o.Tau, f.mode), nil
}

// oneLayer is the layer of a method that reads one; the default is the last.
func oneLayer(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	list, err := readout.ParseLayers(s)
	if err != nil || len(list) != 1 {
		return 0, usage(fmt.Errorf("--layer is %q, want one number for this method", s))
	}
	return list[0], nil
}

// finishFlags say what becomes of a mask once it is found.
type finishFlags struct {
	refine string
	fill   bool
	split  bool
	least  int
}

func (f *finishFlags) register(s *pflag.FlagSet) {
	s.StringVar(&f.refine, "refine", "none", "redraw masks along the image's colours: none, guided (fast) or crf (published parameters)")
	s.BoolVar(&f.fill, "fill-holes", false, "fill the holes of masks")
	s.BoolVar(&f.split, "split", false, "make each connected part of a mask an object of its own")
	s.IntVar(&f.least, "min-area", 1, "with --split: drop parts of fewer pixels than `N`")
}

func (f *finishFlags) check() error {
	_, err := refine.Parse(f.refine)
	if err != nil {
		return usage(err)
	}
	return nil
}

func (f *finishFlags) finish() engine.Finish {
	r, _ := refine.Parse(f.refine) // checked before
	return engine.Finish{Refine: r, FillHoles: f.fill, Split: f.split, Least: f.least}
}

func (f *finishFlags) describe() string {
	return fmt.Sprintf("refine=%s fill-holes=%t split=%t min-area=%d", f.refine, f.fill, f.split, f.least)
}

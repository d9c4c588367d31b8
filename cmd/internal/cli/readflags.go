package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/crate/readout/parts"
	"github.com/crate-vk/crate-vk/crate/readout/refine"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
)

// AttentionFlags say how masks are read off attention; what is empty is the
// model's own choice.
type AttentionFlags struct {
	Layer    string
	Head     string
	Keep     string
	Upsample string
}

// Register registers all but the layer, which other methods have too. about
// goes before the usages.
func (f *AttentionFlags) Register(s *pflag.FlagSet, about string) {
	f.RegisterKeep(s, about)
	s.StringVar(&f.Head, "head", "", about+"`N|mean|each`: one head, the mean of all, or a mask each; default: the model's own")
}

// RegisterLayer registers the layer.
func (f *AttentionFlags) RegisterLayer(s *pflag.FlagSet) {
	s.StringVar(&f.Layer, "layer", "", "`N[,N...]`: layers to read, -1 is the last; of attention several are averaged; default: the model's own, of maskcut and pca the last")
}

// RegisterKeep registers the kept share and how it is enlarged.
func (f *AttentionFlags) RegisterKeep(s *pflag.FlagSet, about string) {
	s.StringVar(&f.Keep, "keep", "", about+"`mass:S|count:S`: keep that share of the attention, or of the patches; default: the model's own")
	s.StringVar(&f.Upsample, "upsample", "", about+"nearest keeps patches, bilinear pixels of the upsampled map; default: the model's own")
}

// apply sets what the flags say.
func (f *AttentionFlags) apply(o *readout.Options) error {
	for _, x := range []struct{ key, val string }{{"layer", f.Layer}, {"head", f.Head}, {"keep", f.Keep}, {"upsample", f.Upsample}} {
		if x.val == "" {
			continue
		}
		if err := o.Set(x.key, x.val); err != nil {
			return Usage(fmt.Errorf("--%s", strings.TrimPrefix(err.Error(), "--")))
		}
	}
	return nil
}

// ReadoutWords says what --readout of compile, bench and tune may name: tensors, or
// all that a read-out with its default options needs.
func ReadoutWords() string {
	return "logits, tokens, attention@LAYER, keys@LAYER, or all that a read-out needs: " + strings.Join(expert.ReadoutNames(), ", ")
}

// Check refuses what no model could read, before one is opened.
func (f *AttentionFlags) Check() error { return f.apply(&readout.Options{}) }

// Options are the model's defaults under the flags.
func (f *AttentionFlags) Options(m *engine.Model, input *InputFlags) (o engine.AttentionOptions, err error) {
	c := m.Config()
	if _, err := (readout.Options{}).Resolved(&c); err != nil {
		return o, &engine.ModelError{Path: m.Source().Name, Err: err}
	}
	if o.InputOptions, err = input.Options(); err != nil {
		return o, err
	}
	if err := f.apply(&o.Options); err != nil {
		return o, err
	}
	if o, err = o.Resolved(&c); err != nil {
		return o, Usage(err)
	}
	return o, nil
}

// MaskCutFlags are MaskCut's.
type MaskCutFlags struct {
	set         *pflag.FlagSet
	Objects     int
	tau         float64
	mode        string
	descriptors string
}

// Register registers the flags; about goes before the usages.
func (f *MaskCutFlags) Register(s *pflag.FlagSet, about string, objects int) {
	f.set = s
	s.IntVar(&f.Objects, "objects", objects, about+"at most `N` objects an image")
	s.Float64Var(&f.tau, "tau", maskcut.Tau, about+"patches are alike whose keys have a larger cosine")
	s.StringVar(&f.mode, "mode", "reference", about+"reference follows the published program, strict stops at the first cut without a new object, tokencut looks for one object")
	s.StringVar(&f.descriptors, "descriptors", "key", about+"compare patches by key, or by input, the tokens that enter the layer (as CRATE-α's authors do)")
}

// Readout is MaskCut, or TokenCut, under the flags: the published options where they say
// nothing. layer is --layer's value; about names what the outputs depend on.
func (f *MaskCutFlags) Readout(m *engine.Model, input *InputFlags, layer string, keepPicture bool, finish engine.Finish) (read engine.Readout[*engine.Segmentation], about string, err error) {
	o := engine.MaskCutOptions{Finish: finish, Inputs: f.descriptors == "input", Tau: &f.tau, Objects: f.Objects, Strict: f.mode == "strict"}
	if o.InputOptions, err = input.Options(); err != nil {
		return read, "", err
	}
	o.KeepPicture = keepPicture
	at, err := OneLayer(layer)
	if err != nil {
		return read, "", err
	}
	o.Layer = &at
	read = engine.MaskCut(o)
	if f.mode == "tokencut" {
		if !Changed(f.set, "tau") {
			o.Tau = new(maskcut.TauTokenCut)
		}
		read = engine.TokenCut(engine.TokenCutOptions{InputOptions: o.InputOptions, Finish: finish, Layer: o.Layer, Inputs: o.Inputs, Tau: o.Tau})
	}
	c := m.Config()
	if err := read.Check(&c); err != nil {
		return read, "", Usage(err)
	}
	return read, fmt.Sprintf("layer=%d descriptors=%s objects=%d tau=%g mode=%s", at, f.descriptors, f.Objects, *o.Tau, f.mode), nil
}

// PCAFlags are those of the parts by principal components.
type PCAFlags struct {
	Variant string
	Invert  bool
}

// Register registers the flags.
func (f *PCAFlags) Register(s *pflag.FlagSet) {
	s.StringVar(&f.Variant, "variant", string(parts.Code), "pca: code follows the published program, paper the paper's text")
	s.BoolVar(&f.Invert, "invert", false, "pca: take the other side of the first component as the foreground")
}

// Options are the read-out's.
func (f *PCAFlags) Options() parts.Options {
	return parts.Options{Variant: parts.Variant(f.Variant), Invert: f.Invert}
}

// OneLayer is the layer of a method that reads one; the default is the last.
func OneLayer(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	list, err := readout.ParseLayers(s)
	if err != nil || len(list) != 1 {
		return 0, Usage(fmt.Errorf("--layer is %q, want one number for this method", s))
	}
	return list[0], nil
}

// FinishFlags say what becomes of a mask once it is found.
type FinishFlags struct {
	set    *pflag.FlagSet
	refine string
	fill   bool
	Split  bool
	least  int
}

// Register registers the flags.
func (f *FinishFlags) Register(s *pflag.FlagSet) {
	f.set = s
	s.StringVar(&f.refine, "refine", "none", "redraw masks along the image's colours: none, guided (fast) or crf (published parameters)")
	s.BoolVar(&f.fill, "fill-holes", false, "fill the holes of masks")
	s.BoolVar(&f.Split, "split", false, "make each connected part of a mask an object of its own")
	s.IntVar(&f.least, "min-area", 1, "with --split: drop parts of fewer pixels than `N`")
}

// Check refuses a least area of parts that nobody makes.
func (f *FinishFlags) Check() error {
	if Changed(f.set, "min-area") && !f.Split {
		return Usage(errors.New("--min-area belongs to --split: without it masks have no parts"))
	}
	return nil
}

// Finish is the engine's.
func (f *FinishFlags) Finish() engine.Finish {
	return engine.Finish{Refine: refine.Method(f.refine), FillHoles: f.fill, Split: f.Split, Least: f.least}
}

// Describe names what outputs depend on, for a run's header.
func (f *FinishFlags) Describe() string {
	return fmt.Sprintf("refine=%s fill-holes=%t split=%t min-area=%d", f.refine, f.fill, f.Split, f.least)
}

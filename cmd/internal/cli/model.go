package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
)

// ModelFlags choose a model and what its file does not say.
type ModelFlags struct {
	Set     *pflag.FlagSet
	Model   string
	Config  string
	Branch  string
	Prefix  string
	Labels  []string // of convert
	results bool     // the weights decide what the command is for
}

// Register registers the flags. Where results come of the weights a preset, whose
// weights are random, is run with a warning.
func (f *ModelFlags) Register(s *pflag.FlagSet, results bool) {
	f.Set, f.results = s, results
	s.StringVarP(&f.Model, "model", "m", "", "weight `FILE|PRESET` (crate-vk info presets lists them: geometries with random weights); default: the embedded demo model")
	s.StringVar(&f.Config, "config", "", "configuration `FILE`; default: config.json beside the weights")
	f.RegisterSettings(s)
}

// RegisterSettings registers the flags that stand for configuration values; settings
// reads them by name.
func (f *ModelFlags) RegisterSettings(s *pflag.FlagSet) {
	f.Set = s
	s.Int("heads", 0, "number of heads `N`, which no file's shapes tell")
	s.Float64("eta", 0, "ISTA's step `η`")
	s.Float64("lambda", 0, "ISTA's threshold `λ`")
	s.Float64("ln-eps", 0, "`ε` of the layers' norms")
	s.String("block", "", "soft for soft-threshold CRATE, whose tensors look like CRATE's")
	s.String("pool", "", "what the head reads: cls, the class token, or mean, the mean of the tokens")
	s.Bool("residual-ff", false, "whether a layer's second half has a residual (of CRATE-α: true, but for an ablation)")
	s.String("mean", "", "input mean `R,G,B`")
	s.String("std", "", "input deviation `R,G,B`")
	s.String("image-size", "", "native size `N|HxW` of the position table")
	s.StringVar(&f.Branch, "branch", "teacher", "teacher or student, of a checkpoint that holds both; ema, of one with a model and its moving average")
	s.StringVar(&f.Prefix, "prefix", "", "`PREFIX` before the model's tensor names; default: found where there is one")
}

// Settings are the configuration values among the flags.
func (f *ModelFlags) Settings() (s crate.Settings, err error) {
	meta := map[string]string{}
	for flag, key := range map[string]string{"heads": "heads", "eta": "eta", "lambda": "lambda", "ln-eps": "ln_eps", "block": "block", "pool": "pool", "residual-ff": "residual_ff", "mean": "mean", "std": "std", "image-size": "image_size"} {
		if Changed(f.Set, flag) {
			meta["crate."+key] = f.Set.Lookup(flag).Value.String()
		}
	}
	if s, err = crate.ParseMetadata(meta); err != nil {
		return s, Usage(fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "metadata crate.", "--")))
	}
	s.From = "flags"
	return s, nil
}

// Files are those that the flags name.
func (f *ModelFlags) Files() []string { return []string{f.Model, f.Config} }

// Open opens the chosen model and reports what it had to guess.
func (f *ModelFlags) Open(log *slog.Logger) (*engine.ModelSource, error) {
	settings, err := f.Settings()
	if err != nil {
		return nil, err
	}
	opt := engine.ModelOptions{Settings: settings, ConfigPath: f.Config, Branch: crate.Branch(f.Branch), Prefix: f.Prefix}
	src, err := openModel(f.Model, opt)
	if err != nil {
		return nil, err
	}
	if src.Preset() && f.results {
		log.Warn(fmt.Sprintf("%s is a preset, which has no file: its weights are RANDOM, and what comes of them means nothing (--model FILE)", src.Name))
	}
	for _, w := range src.Warnings {
		log.Warn(w)
	}
	if n := len(src.Ignored); n > 0 {
		log.Info(fmt.Sprintf("%s: %d tensors are not needed and ignored, such as %s", src.Name, n, src.Ignored[0]))
	}
	return src, nil
}

func openModel(name string, opt engine.ModelOptions) (*engine.ModelSource, error) {
	if name == "" {
		return engine.OpenModelBytes(demo.Name, demo.Safetensors, opt)
	}
	if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, "./"+string(filepath.Separator)) {
		src, perr := engine.Preset(name)
		if perr != nil {
			names, _ := crate.Presets()
			return nil, Coded(ExitModel, fmt.Errorf("%w%s", perr, didYouMean(Nearest(name, names))))
		}
		return src, nil
	}
	return engine.OpenModel(name, opt)
}

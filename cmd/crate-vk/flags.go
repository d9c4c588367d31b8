package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/crate-vk/crate-vk/shaders"
)

// modelFlags choose a model and what its file does not say.
type modelFlags struct {
	set     *pflag.FlagSet
	model   string
	config  string
	branch  string
	prefix  string
	labels  []string // of convert
	results bool     // the weights decide what the command is for
}

// register registers the flags. Where results come of the weights a preset, whose
// weights are random, is run with a warning.
func (f *modelFlags) register(s *pflag.FlagSet, results bool) {
	f.set, f.results = s, results
	s.StringVarP(&f.model, "model", "m", "", "weight `FILE|PRESET` (crate-vk info presets lists them: geometries with random weights); default: the embedded demo model")
	s.StringVar(&f.config, "config", "", "configuration `FILE`; default: config.json beside the weights")
	f.registerSettings(s)
}

// registerSettings registers the flags that stand for configuration values; settings
// reads them by name.
func (f *modelFlags) registerSettings(s *pflag.FlagSet) {
	f.set = s
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
	s.StringVar(&f.branch, "branch", "teacher", "teacher or student, of a checkpoint that holds both; ema, of one with a model and its moving average")
	s.StringVar(&f.prefix, "prefix", "", "`PREFIX` before the model's tensor names; default: found where there is one")
}

// settings are the configuration values among the flags.
func (f *modelFlags) settings() (s crate.Settings, err error) {
	meta := map[string]string{}
	for flag, key := range map[string]string{"heads": "heads", "eta": "eta", "lambda": "lambda", "ln-eps": "ln_eps", "block": "block", "pool": "pool", "residual-ff": "residual_ff", "mean": "mean", "std": "std", "image-size": "image_size"} {
		if changed(f.set, flag) {
			meta["crate."+key] = f.set.Lookup(flag).Value.String()
		}
	}
	if s, err = crate.ParseMetadata(meta); err != nil {
		return s, usage(fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "metadata crate.", "--")))
	}
	s.From = "flags"
	return s, nil
}

// files are those that the flags name.
func (f *modelFlags) files() []string { return []string{f.model, f.config} }

// open opens the chosen model and reports what it had to guess.
func (f *modelFlags) open(a *app) (*engine.ModelSource, error) {
	settings, err := f.settings()
	if err != nil {
		return nil, err
	}
	if err := f.checkBranch(); err != nil {
		return nil, err
	}
	opt := engine.ModelOptions{Settings: settings, ConfigPath: f.config, Branch: crate.Branch(f.branch), Prefix: f.prefix}
	src, err := openModel(f.model, opt)
	if err != nil {
		return nil, err
	}
	if src.Preset() && f.results {
		a.log.Warn(fmt.Sprintf("%s is a preset, which has no file: its weights are RANDOM, and what comes of them means nothing (--model FILE)", src.Name))
	}
	for _, w := range src.Warnings {
		a.log.Warn(w)
	}
	if n := len(src.Ignored); n > 0 {
		a.log.Info(fmt.Sprintf("%s: %d tensors are not needed and ignored, such as %s", src.Name, n, src.Ignored[0]))
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
			return nil, &codedError{exitModel, perr}
		}
		return src, nil
	}
	return engine.OpenModel(name, opt)
}

// deviceFlags choose the device and how it computes.
type deviceFlags struct {
	device    string
	precision string
	kernels   string
	without   []string
	spirv     string
	bits      int
	noCache   bool
	noTest    bool
	noTuning  bool
	memory    int64
	simulate  time.Duration // of bench pipeline: no device, a fixed time a batch
}

// registerDevice registers the flags that say which device, and how much of it.
func (f *deviceFlags) registerDevice(s *pflag.FlagSet) {
	def := os.Getenv("CRATE_VK_DEVICE")
	if def == "" {
		def = "auto"
	}
	f.precision = "fp32"
	s.StringVarP(&f.device, "device", "d", def, "`SEL`: auto, cpu (the interpreter), an index, part of a name, or uuid:… (also CRATE_VK_DEVICE)")
	s.IntVar(&f.bits, "vector-bits", 0, "vector width of llvmpipe: 128, 256 or 512; default: the driver's")
	s.Int64Var(&f.memory, "memory", 0, "device memory to use at most, in `MB`")
}

// register registers those and the ones that say how it computes.
func (f *deviceFlags) register(s *pflag.FlagSet) {
	f.registerDevice(s)
	s.StringVar(&f.precision, "precision", f.precision, "fp32, or fp16 storage where the device has it")
	s.StringVar(&f.kernels, "kernels", "", "`FAMILY` of kernels: lanes, tiles or plain; default: by device")
	s.StringSliceVar(&f.without, "without", nil, "leave out graph `PASS`es, or all (crate-vk compile --passes lists them)")
	s.StringVar(&f.spirv, "spirv", "", "take kernels from `DIR`/NAME.spv where there is one, to try a changed kernel")
	s.BoolVar(&f.noCache, "no-cache", false, "keep no compiled kernels and self-tests on disk")
	s.BoolVar(&f.noTuning, "no-tuning", false, "take the static choice of kernel shapes, whatever crate-vk tune has stored")
	s.BoolVar(&f.noTest, "no-self-test", false, "don't test kernels before their first use on a device")
}

// open opens the engine.
func (f *deviceFlags) open(ctx context.Context, a *app, more ...engine.Option) (*engine.Engine, error) {
	opts := []engine.Option{engine.WithDevice(f.device), engine.WithLogger(a.log), expert.WithoutPasses(f.without...)}
	switch engine.Precision(f.precision) {
	case engine.FP32, engine.FP16:
		opts = append(opts, engine.WithPrecision(engine.Precision(f.precision)))
	default:
		return nil, usage(fmt.Errorf("--precision is %q, want fp32 or fp16", f.precision))
	}
	switch family := plan.Family(f.kernels); family {
	case "":
	case plan.Lanes, plan.Tiles, plan.Plain:
		opts = append(opts, expert.WithFamily(family))
	default:
		return nil, usage(fmt.Errorf("--kernels is %q, want lanes, tiles or plain", f.kernels))
	}
	if f.spirv != "" {
		if info, err := os.Stat(f.spirv); err != nil || !info.IsDir() {
			return nil, usage(fmt.Errorf("--spirv is %q, want a folder", f.spirv))
		}
		opts = append(opts, expert.WithSPIRV(f.kernelCode))
	} else if dir := cacheDir(); dir != "" && !f.noCache {
		opts = append(opts, engine.WithCache(dir))
	}
	switch f.bits {
	case 0:
	case 128, 256, 512:
		opts = append(opts, expert.WithVectorBits(f.bits))
	default:
		return nil, usage(fmt.Errorf("--vector-bits is %d, want 128, 256 or 512", f.bits))
	}
	if f.memory > 0 {
		opts = append(opts, engine.WithMemory(f.memory<<20))
	}
	if f.noTest {
		opts = append(opts, expert.WithoutSelfTest())
	}
	if f.noTuning {
		opts = append(opts, expert.WithoutTuning())
	}
	if f.simulate > 0 {
		opts = append(opts, expert.WithSimulatedDevice(f.simulate))
	}
	return engine.Open(ctx, append(opts, more...)...)
}

// cacheDir is the folder of what is kept between runs, "" where there is none.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "crate-vk")
}

// kernelCode reads a kernel from the --spirv folder, else the embedded one.
func (f *deviceFlags) kernelCode(name string) ([]byte, error) {
	code, err := regular.Read(context.Background(), filepath.Join(f.spirv, name+".spv"), regular.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return shaders.SPIRV(name)
	}
	if err != nil {
		return nil, err
	}
	if err := shaders.CheckModule(name, code); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(f.spirv, name+".spv"), err)
	}
	return code, nil
}

// inputFlags say how images become inputs.
type inputFlags struct {
	size      string
	filter    string
	positions string
	batch     string
	maxPixels int64
	memory    int64 // MB
	stored    bool
}

func (f *inputFlags) register(s *pflag.FlagSet) {
	s.StringVar(&f.size, "size", "", "`N|WxH|native`: resize images to N×N or W×H exactly, or keep their size; default: the model's native size")
	s.StringVar(&f.filter, "filter", "", "resampling: nearest, bilinear, bicubic or lanczos, as Pillow's; default: the model's own, else bilinear")
	s.StringVar(&f.positions, "positions", "exact", "exact: resample the position table only for another grid; demo: always, as the published demo does")
	s.StringVar(&f.batch, "batch", "auto", "`N|auto`: images computed at once")
	s.Int64Var(&f.maxPixels, "max-pixels", 100, "refuse images of more megapixels than `N`")
	s.Int64Var(&f.memory, "decode-memory", 0, "memory that images being decoded may take together, in `MB`; default: a quarter of what the process may have")
	s.BoolVar(&f.stored, "ignore-orientation", false, "take images as they are stored, as COCO tools do; default: turned upright, as their EXIF or XMP says")
}

func (f *inputFlags) options() (o engine.InputOptions, err error) {
	if o.Size, err = parseSize(f.size); err != nil {
		return o, usage(err)
	}
	if f.filter != "" {
		if o.Filter, err = picture.ParseFilter(f.filter); err != nil {
			return o, usage(fmt.Errorf("--filter: %w", err))
		}
	}
	switch o.Positions = crate.Positions(f.positions); o.Positions {
	case crate.PositionsExact, crate.PositionsDemo:
	default:
		return o, usage(fmt.Errorf("--positions is %q, want exact or demo", f.positions))
	}
	if f.batch != "auto" {
		if o.Batch, err = strconv.Atoi(f.batch); err != nil || o.Batch < 1 {
			return o, usage(fmt.Errorf("--batch is %q, want a number from 1 on, or auto", f.batch))
		}
	}
	picture.LimitMemory(f.memory << 20)
	return o, nil
}

func (f *inputFlags) decode() picture.Options {
	return picture.Options{MaxPixels: f.maxPixels * 1e6, IgnoreOrientation: f.stored}
}

// parseSize reads N, WxH or native; "" is the model's native size.
func parseSize(s string) (engine.Size, error) {
	if s == "" {
		return engine.Size{}, nil
	}
	if s == "native" {
		return engine.Size{Native: true}, nil
	}
	w, h, two := strings.Cut(s, "x")
	if !two {
		h = w
	}
	a, err1 := strconv.Atoi(w)
	b, err2 := strconv.Atoi(h)
	if err1 != nil || err2 != nil || a < 1 || b < 1 || a > 1<<15 || b > 1<<15 {
		return engine.Size{}, fmt.Errorf("--size is %q, want N, WxH (up to %d) or native", s, 1<<15)
	}
	return engine.Size{Width: a, Height: b}, nil
}

// modelSize is the size of the model's input for a command without images:
// --size trimmed to whole patches, else the native size.
func modelSize(s engine.Size, c *crate.Config) (height, width int, err error) {
	if s.Native {
		return 0, 0, usage(fmt.Errorf("--size native needs images"))
	}
	if s.Width == 0 {
		return c.ImageSize[0], c.ImageSize[1], nil
	}
	height, width = s.Height/c.Patch*c.Patch, s.Width/c.Patch*c.Patch
	if height == 0 || width == 0 {
		return 0, 0, usage(fmt.Errorf("--size %d×%d is smaller than one patch of %d×%d", s.Width, s.Height, c.Patch, c.Patch))
	}
	return height, width, nil
}

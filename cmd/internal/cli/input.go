package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// InputFlags say how images become inputs.
type InputFlags struct {
	Size      string
	Filter    string
	Positions string
	batch     string
	maxPixels int64
	memory    int64 // MB
	Stored    bool
}

// Register registers the flags of a command that computes many images.
func (f *InputFlags) Register(s *pflag.FlagSet) {
	f.registerSize(s)
	s.StringVar(&f.batch, "batch", "auto", "`N|auto`: images computed at once")
	f.registerDecoding(s)
}

// RegisterOne registers those of a command that computes one image at a time.
func (f *InputFlags) RegisterOne(s *pflag.FlagSet) {
	f.batch = "auto"
	f.registerSize(s)
	f.registerDecoding(s)
}

func (f *InputFlags) registerSize(s *pflag.FlagSet) {
	s.StringVar(&f.Size, "size", "", "`N|WxH|native`: resize images to N×N or W×H exactly, or keep their size; default: the model's native size")
	s.StringVar(&f.Filter, "filter", "", "resampling: nearest, bilinear, bicubic or lanczos, as Pillow's; default: the model's own, else bilinear")
	s.StringVar(&f.Positions, "positions", "exact", "exact: resample the position table only for another grid; demo: always, as the published demo does")
}

func (f *InputFlags) registerDecoding(s *pflag.FlagSet) {
	s.Int64Var(&f.maxPixels, "max-pixels", 100, "refuse images of more megapixels than `N`")
	s.Int64Var(&f.memory, "decode-memory", 0, "memory that images being decoded may take together, in `MB`; default: a quarter of what the process may have")
	s.BoolVar(&f.Stored, "ignore-orientation", false, "take images as they are stored, as COCO tools do; default: turned upright, as their EXIF or XMP says")
}

// Options are the engine's. They also bound the memory of decoding, of the whole process.
func (f *InputFlags) Options() (o engine.InputOptions, err error) {
	if o.Size, err = ParseSize(f.Size); err != nil {
		return o, Usage(err)
	}
	if f.Filter != "" {
		if o.Filter, err = picture.ParseFilter(f.Filter); err != nil {
			return o, Usage(fmt.Errorf("--filter: %w", err))
		}
	}
	o.Positions = crate.Positions(f.Positions)
	if f.batch != "auto" {
		if o.Batch, err = strconv.Atoi(f.batch); err != nil || o.Batch < 1 {
			return o, Usage(fmt.Errorf("--batch is %q, want a number from 1 on, or auto", f.batch))
		}
	}
	picture.LimitMemory(f.memory << 20)
	return o, nil
}

// Decode says how files are decoded.
func (f *InputFlags) Decode() picture.Options {
	return picture.Options{MaxPixels: f.maxPixels * 1e6, IgnoreOrientation: f.Stored}
}

// ParseSize reads N, WxH or native; "" is the model's native size.
func ParseSize(s string) (engine.Size, error) {
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

// ModelSize is the size of the model's input for a command without images:
// --size trimmed to whole patches, else the native size.
func ModelSize(s engine.Size, c *crate.Config) (height, width int, err error) {
	if s.Native {
		return 0, 0, Usage(fmt.Errorf("--size native needs images"))
	}
	if s.Width == 0 {
		return c.ImageSize[0], c.ImageSize[1], nil
	}
	height, width = s.Height/c.Patch*c.Patch, s.Width/c.Patch*c.Patch
	if height == 0 || width == 0 {
		return 0, 0, Usage(fmt.Errorf("--size %d×%d is smaller than one patch of %d×%d", s.Width, s.Height, c.Patch, c.Patch))
	}
	return height, width, nil
}

// Changed reports that a flag was given.
func Changed(f *pflag.FlagSet, name string) bool { return f.Lookup(name) != nil && f.Changed(name) }

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/expert"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/crate-vk/crate-vk/shaders"
)

// DeviceFlags choose the device and how it computes.
type DeviceFlags struct {
	Device    string
	Precision string
	Kernels   string
	Without   []string
	Spirv     string
	Bits      int
	Jobs      int
	NoCache   bool
	noTest    bool
	noTuning  bool
	memory    int64
	Simulate  time.Duration // of bench pipeline: no device, a fixed time a batch
}

// RegisterDevice registers the flags that say which device, and how much of it.
func (f *DeviceFlags) RegisterDevice(s *pflag.FlagSet) {
	def := os.Getenv("CRATE_VK_DEVICE")
	if def == "" {
		def = "auto"
	}
	f.Precision = "fp32"
	s.StringVarP(&f.Device, "device", "d", def, "`SEL`: auto, cpu (the interpreter), an index, part of a name, or uuid:… (also CRATE_VK_DEVICE)")
	s.IntVar(&f.Bits, "vector-bits", 0, "vector width of llvmpipe: 128, 256 or 512; default: the driver's")
	s.Int64Var(&f.memory, "memory", 0, "device memory to use at most, in `MB`")
}

// RegisterJobs registers the flag of commands that take images.
func (f *DeviceFlags) RegisterJobs(s *pflag.FlagSet) {
	s.IntVar(&f.Jobs, "jobs", 0, "images to decode, resize and write at once, at most `N`; default: as many as there are cores")
}

// Register registers those and the ones that say how it computes.
func (f *DeviceFlags) Register(s *pflag.FlagSet) {
	f.RegisterDevice(s)
	s.StringVar(&f.Precision, "precision", f.Precision, "fp32, or fp16 storage where the device has it")
	s.StringVar(&f.Kernels, "kernels", "", "`FAMILY` of kernels: lanes, tiles or plain; default: by device")
	s.StringSliceVar(&f.Without, "without", nil, "leave out graph `PASS`es, or all (crate-vk compile --passes lists them)")
	s.StringVar(&f.Spirv, "spirv", "", "take kernels from `DIR`/NAME.spv where there is one, to try a changed kernel")
	s.BoolVar(&f.NoCache, "no-cache", false, "keep no compiled kernels and self-tests on disk")
	s.BoolVar(&f.noTuning, "no-tuning", false, "take the static choice of kernel shapes, whatever crate-vk tune has stored")
	s.BoolVar(&f.noTest, "no-self-test", false, "don't test kernels before their first use on a device")
}

// Open opens the engine.
func (f *DeviceFlags) Open(ctx context.Context, log *slog.Logger, more ...engine.Option) (*engine.Engine, error) {
	opts := []engine.Option{engine.WithDevice(f.Device), engine.WithLogger(log), expert.WithoutPasses(f.Without...), engine.WithPrecision(engine.Precision(f.Precision))}
	if f.Kernels != "" {
		opts = append(opts, expert.WithFamily(plan.Family(f.Kernels)))
	}
	if f.Spirv != "" {
		if info, err := os.Stat(f.Spirv); err != nil || !info.IsDir() {
			return nil, Usage(fmt.Errorf("--spirv is %q, want a folder", f.Spirv))
		}
		opts = append(opts, expert.WithSPIRV(f.kernelCode))
	} else if dir := CacheDir(); dir != "" && !f.NoCache {
		opts = append(opts, engine.WithCache(dir))
	}
	switch f.Bits {
	case 0:
	case 128, 256, 512:
		opts = append(opts, expert.WithVectorBits(f.Bits))
	default:
		return nil, Usage(fmt.Errorf("--vector-bits is %d, want 128, 256 or 512", f.Bits))
	}
	if f.Jobs > 0 {
		opts = append(opts, engine.WithThreads(f.Jobs))
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
	if f.Simulate > 0 {
		opts = append(opts, expert.WithSimulatedDevice(f.Simulate))
	}
	return engine.Open(ctx, append(opts, more...)...)
}

// CacheDir is the folder of what is kept between runs, "" where there is none.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "crate-vk")
}

// kernelCode reads a kernel from the --spirv folder, else the embedded one.
func (f *DeviceFlags) kernelCode(name string) ([]byte, error) {
	code, err := regular.Read(context.Background(), filepath.Join(f.Spirv, name+".spv"), regular.Config)
	if errors.Is(err, fs.ErrNotExist) {
		return shaders.SPIRV(name)
	}
	if err != nil {
		return nil, err
	}
	if err := shaders.CheckModule(name, code); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(f.Spirv, name+".spv"), err)
	}
	return code, nil
}

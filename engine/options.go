package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Precision is how token tensors and weights are stored on the device. Sums
// are float32 in any case.
type Precision string

// The precisions.
const (
	FP32 Precision = "fp32"
	FP16 Precision = "fp16" // where the device has 16-bit storage
)

func (p Precision) dtype() graph.DType {
	if p == FP16 {
		return graph.F16
	}
	return graph.F32
}

type options struct {
	inside.Options
	device     string
	log        *slog.Logger
	precision  Precision
	validation bool
	memory     int64
	cacheDir   string
	root       string // of the system; "": /
	segments   int    // into which each run is split; 0: by measured times
	threads    int
	pixels     int64
	programs   int
	events     func(Event)
}

// Option changes how Open opens a device.
type Option func(*options)

// Expert makes an Option for engine/expert, which alone has a key.
func Expert(_ inside.Key, set func(*inside.Options)) Option {
	return func(o *options) { set(&o.Options) }
}

func defaults() options {
	return options{Options: inside.Options{SPIRV: shaders.SPIRV}, device: "auto", log: slog.New(slog.DiscardHandler), precision: FP32}
}

// check reports the first option that makes no sense, and takes the defaults for zeros.
func (o *options) check() error {
	switch {
	case o.precision != FP32 && o.precision != FP16:
		return fmt.Errorf("engine: precision %q: want %s or %s", o.precision, FP32, FP16)
	case o.memory < 0:
		return fmt.Errorf("engine: a memory limit of %d bytes", o.memory)
	case o.threads < 0:
		return fmt.Errorf("engine: %d threads, want at least 1, or 0 for the default", o.threads)
	case o.pixels < 0:
		return fmt.Errorf("engine: a limit of %d pixels, want at least 1, or 0 for the default", o.pixels)
	case o.programs < 0:
		return fmt.Errorf("engine: %d programs to keep, want at least 1, or 0 for the default", o.programs)
	case o.log == nil:
		return errors.New("engine: the logger is nil")
	case o.SPIRV == nil:
		return errors.New("engine: the source of kernels is nil")
	}
	o.threads = cmp.Or(o.threads, runtime.GOMAXPROCS(0))
	o.pixels = cmp.Or(o.pixels, defaultPixels)
	o.programs = cmp.Or(o.programs, defaultPrograms)
	return nil
}

const (
	defaultPixels   = 100_000_000
	defaultPrograms = 32
)

// WithThreads bounds how many of an engine's goroutines load, resize and finish
// images at once, for each stream. The default is runtime.GOMAXPROCS(0);
// less than 1 is an error.
func WithThreads(n int) Option { return func(o *options) { o.threads = n } }

// WithPixelLimit refuses images, and sizes to which they are resized, of more than n
// pixels. 0, the default, is 100 million: they take 300 MB as RGB. The engine sees an image
// when it is decoded; picture.Options refuses a file before that.
func WithPixelLimit(n int64) Option { return func(o *options) { o.pixels = n } }

// WithPrograms sets how many compiled programs the engine keeps, of all models
// together: one for each image size, batch size and read-out that was used last.
// 0, the default, is 32. Those that nobody uses go earlier where another
// one needs their memory.
func WithPrograms(n int) Option { return func(o *options) { o.programs = n } }

// WithEvents calls f with what takes time on the device: what is compiled, how
// long batches wait for the device and how long they keep it. f is called from
// several goroutines and should return soon: what it tells of waits for it. So it
// must neither use nor close what is on the engine.
func WithEvents(f func(Event)) Option { return func(o *options) { o.events = f } }

// WithDevice selects the device: "auto", the default, which prefers discrete, then
// integrated, then virtual GPUs to a software device; "cpu", the interpreter; an index,
// as Devices has it; a part of a name, such as "radeon"; or "uuid:…". Where nothing fits the
// error is ErrNoDevice and lists the devices.
func WithDevice(selector string) Option { return func(o *options) { o.device = selector } }

// WithLogger makes the engine log. Without it the engine is silent.
func WithLogger(l *slog.Logger) Option {
	return func(o *options) {
		if o.log = l; l != nil {
			o.log = slog.New(guardedHandler{l.Handler()})
		}
	}
}

// WithPrecision chooses the storage of tensors. The default is FP32; FP16 takes half
// the memory, and on a device that can't store it Open gives ErrNoDevice.
func WithPrecision(p Precision) Option { return func(o *options) { o.precision = p } }

// WithValidation loads the validation layers; their messages are logged as
// errors at Close.
func WithValidation() Option { return func(o *options) { o.validation = true } }

// WithMemory limits the device memory that weights, tensors and staging of all
// models of the engine may take together, in bytes. The default, and 0, is three
// quarters of the device's own; of a software device, whose memory is the process's, no more than
// half of what address-space limit, control groups and machine leave.
func WithMemory(bytes int64) Option { return func(o *options) { o.memory = bytes } }

// WithCache keeps compiled pipelines, the outcome of self-tests and what measure.Tune
// chose in a folder, by device and driver, and folded weights. Without it, or with "",
// nothing is kept. The folder is made when it is not there; one that can't be written
// keeps nothing, without an error.
func WithCache(dir string) Option { return func(o *options) { o.cacheDir = dir } }

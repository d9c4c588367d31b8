package expert

import (
	"time"

	"github.com/crate-vk/crate-vk/engine"
	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
)

func option(set func(o *inside.Options)) engine.Option { return engine.Expert(inside.Key{}, set) }

// WithFamily chooses a family of kernels instead of the one that suits the device:
// lanes, tiles or plain.
func WithFamily(f plan.Family) engine.Option {
	return option(func(o *inside.Options) { o.Family = f })
}

// WithoutPasses leaves out graph passes by name, or all that may be.
func WithoutPasses(names ...string) engine.Option {
	return option(func(o *inside.Options) { o.Without = names })
}

// WithSPIRV takes kernels from somewhere else than the embedded code.
func WithSPIRV(code func(name string) ([]byte, error)) engine.Option {
	return option(func(o *inside.Options) { o.SPIRV = code })
}

// WithVectorBits asks llvmpipe for vectors of 128, 256 or 512 bits. The driver reads
// it once a process, before the first device is opened.
func WithVectorBits(bits int) engine.Option {
	return option(func(o *inside.Options) { o.VectorBits = bits })
}

// WithStatistics makes drivers collect statistics of the kernels they compile, which
// measure.Kernels lists; it costs compile time.
func WithStatistics() engine.Option { return option(func(o *inside.Options) { o.Statistics = true }) }

// WithoutSelfTest leaves out the test of each kernel variant before a plan's first
// use.
func WithoutSelfTest() engine.Option { return option(func(o *inside.Options) { o.Trusted = true }) }

// WithoutTuning takes the static choice of kernel shapes even where the cache folder
// holds a measured one.
func WithoutTuning() engine.Option { return option(func(o *inside.Options) { o.Untuned = true }) }

// WithSimulatedDevice takes a device that computes nothing: each batch takes that
// long. It measures the host's part of a stream.
func WithSimulatedDevice(delay time.Duration) engine.Option {
	return option(func(o *inside.Options) { o.Simulate = delay })
}

package engine

import (
	"context"
	"time"

	"github.com/crate-vk/crate-vk/engine/internal/inside"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// Package expert, which imports this one, can't be used by tests in it: these are its
// options, and its check.

func withFamily(f plan.Family) Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.Family = f })
}

func withoutPasses(names ...string) Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.Without = names })
}

func withSPIRV(code func(name string) ([]byte, error)) Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.SPIRV = code })
}

func withoutSelfTest() Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.Trusted = true })
}

func withoutTuning() Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.Untuned = true })
}

func withSimulatedDevice(delay time.Duration) Option {
	return Expert(inside.Key{}, func(o *inside.Options) { o.Simulate = delay })
}

// withFaults makes Vulkan calls fail.
func withFaults(f *vk.Faults) Option { return func(o *options) { o.Faults = f } }

// withSegments splits each run into so many submissions.
func withSegments(n int) Option { return func(o *options) { o.segments = n } }

// check compares a request's dispatches with the interpreter.
func (m *Model) check(ctx context.Context, r Request, pixels []byte) (agreed int, err error) {
	v, release, err := m.Inside(inside.Key{})
	if err != nil {
		return 0, err
	}
	defer release()
	if err := v.Lacks("is not checked"); err != nil {
		return 0, err
	}
	agreed, err = v.Device.Check(ctx, prove.Model{Name: v.Name, Config: v.Config, Params: v.Params, Options: v.Options, Passes: v.Passes}, r, pixels)
	return agreed, v.Blame(err)
}

// checkImage compares a read-out's dispatches for an image with the interpreter.
func checkImage[T any](ctx context.Context, r Readout[T], m *Model, img *picture.RGB) (int, error) {
	q, pixels, _, err := r.Inside(inside.Key{}, ctx, m, img)
	if err != nil {
		return 0, err
	}
	return m.check(ctx, q, pixels)
}

package prove

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/graph"
)

// Device is an open device with the record of what was proved on it.
type Device struct {
	*run.Device
	log     *slog.Logger
	trusted bool

	testing sync.Mutex      // one self-test at a time
	passed  map[string]bool // variants that passed, by plan.Dispatch.Pipeline

	mu     sync.Mutex
	broken map[string]bool // kernels that failed
}

// Options of NewDevice.
type Options struct {
	Log     *slog.Logger
	Trusted bool // Plan leaves the self-test out
}

// NewDevice is a device whose variants that passed in an earlier run are taken
// from its cache folder.
func NewDevice(d *run.Device, o Options) *Device {
	return &Device{Device: d, log: o.Log, trusted: o.Trusted, passed: rememberedTests(d), broken: map[string]bool{}}
}

// Disabled are the kernels that failed so far, for plan.Options. The map is the
// caller's own: others may rule out kernels at the same time.
func (dev *Device) Disabled() map[string]bool {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	return maps.Clone(dev.broken)
}

// Plan lowers a graph for the device, some of whose outputs are held on it. A plan
// that needs more memory than there is is refused before any kernel is compiled, and
// so is one that is beyond another limit. Kernels that fail their self-test are
// reported and planned around; each round rules out at least one more, so it
// ends.
func (dev *Device) Plan(ctx context.Context, g *graph.Graph, opt plan.Options, keep ...string) (*plan.Plan, error) {
	for {
		opt.Disabled = dev.Disabled()
		p, err := plan.New(g, dev.Limits, opt)
		if err == nil {
			err = run.NeedOf(p, keep...).Fits(dev.Limits.Memory)
		}
		if err != nil || dev.trusted {
			return p, err
		}
		failed, err := dev.SelfTest(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(failed) == 0 {
			return p, nil
		}
		for _, f := range failed {
			if opt.Disabled[f.Kernel] {
				return nil, f // it was ruled out, and no other kernel can take its place
			}
			dev.disable(f)
		}
	}
}

// disable rules out a kernel. It is reported once, however many of its variants
// fail and however many models find out.
func (dev *Device) disable(f *KernelError) {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	if !dev.broken[f.Kernel] {
		dev.broken[f.Kernel] = true
		dev.log.Error("kernel disabled on this device", "kernel", f.Kernel, "reason", f.Error())
	}
}

// rememberedTests are the variants that passed in an earlier run.
func rememberedTests(d *run.Device) map[string]bool {
	passed := map[string]bool{}
	var list []string
	if json.Unmarshal(d.Kept("selftest"), &list) == nil {
		for _, key := range list {
			passed[key] = true
		}
	}
	return passed
}

func (dev *Device) rememberTests() {
	if data, err := json.Marshal(slices.Sorted(maps.Keys(dev.passed))); err == nil {
		dev.Keep("selftest", data)
	}
}

package prove

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/shaders"
)

// corrupted opens a device of which one kernel has other code.
func corrupted(t *testing.T, inst *vk.Instance, info vk.Info, name string, code []byte) *Device {
	t.Helper()
	d, err := run.OpenDevice(inst, run.DeviceOptions{Selector: "uuid:" + info.UUID, SPIRV: devicetest.Serving(name, code)})
	if err != nil {
		t.Fatal(err)
	}
	return NewDevice(d, Options{Log: slog.New(slog.DiscardHandler)})
}

// TestSelfTestFindsBadKernel corrupts a computation in each kernel's SPIR-V in
// turn and expects the self-test, and a checked run, to name that kernel.
func TestSelfTestFindsBadKernel(t *testing.T) {
	c, err := crate.Preset("emergence-t8")
	if err != nil {
		t.Fatal(err)
	}
	c.ImageSize, c.Depth = [2]int{32, 32}, 2
	src := Model{Name: "emergence-t8", Config: &c, Params: c.RandomParams(1)}
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		gr, err := readout.Graph(&c, readout.Request{Batch: 1, Height: 32, Width: 32, Outputs: []string{"logits", "cls_attention.0"}}, pass.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(gr, g.Limits, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		kernels := map[string]bool{}
		for _, d := range p.Dispatches {
			kernels[d.Kernel.Name] = true
		}
		for name := range kernels {
			t.Run(name, func(t *testing.T) { testBadKernel(t, src, inst, info, name) })
		}
	})
}

// testBadKernel changes the computations of a kernel one after another until both
// the self-test and the checked run notice. Some don't matter, such
// as a start value that is overwritten; at least one must.
func testBadKernel(t *testing.T, src Model, inst *vk.Instance, info vk.Info, name string) {
	good, err := shaders.SPIRV(name)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for code := range devicetest.Corruptions(good) {
		tried++
		if noticed(t, src, inst, info, name, code) {
			return
		}
	}
	t.Errorf("none of %d corruptions is noticed by both self-test and checked run", tried)
}

// noticed runs self-test and checked run with a corrupted kernel. If they fail
// they must name it.
func noticed(t *testing.T, src Model, inst *vk.Instance, info vk.Info, name string, code []byte) bool {
	ctx := context.Background()
	d := corrupted(t, inst, info, name, code)
	defer d.Close()
	r := readout.Request{Batch: 1, Height: 32, Width: 32, Outputs: []string{"logits", "cls_attention.0"}}
	gr, err := readout.Graph(src.Config, r, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(gr, d.Limits, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	failed, err := d.SelfTest(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		if f.Kernel != name {
			t.Errorf("the self-test names %s", f.Kernel)
		}
	}
	pixels := make([]byte, 32*32*3)
	for i := range pixels {
		pixels[i] = byte(i * i)
	}
	_, err = d.Check(ctx, src, r, pixels)
	var bad *KernelError
	if errors.As(err, &bad) {
		if bad.Kernel != name {
			t.Errorf("the checked run names %s", bad.Kernel)
		}
	} else if err != nil {
		t.Error(err)
	}
	return len(failed) > 0 && bad != nil
}

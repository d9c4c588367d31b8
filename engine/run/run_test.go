package run

import (
	"context"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/shaders"
)

// openFor opens a device for a white-box test. Nothing may be left on it.
func openFor(t *testing.T, inst *vk.Instance, info vk.Info, dir string) *Device {
	t.Helper()
	d, err := OpenDevice(inst, DeviceOptions{Selector: "uuid:" + info.UUID, CacheDir: dir, SPIRV: shaders.SPIRV})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := d.Close(); n != 0 {
			t.Errorf("%d objects are left on the device", n)
		}
	})
	return d
}

// logitsPlan is a plan of a small model's logits, of images of 32×32.
func logitsPlan(t *testing.T, d *Device, c crate.Config, batch int) *plan.Plan {
	t.Helper()
	g, err := readout.Graph(&c, readout.Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: batch, Positions: crate.PositionsExact}, pass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, d.Limits, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// logitsProgram is such a plan on the device, with random weights.
func logitsProgram(t *testing.T, d *Device, batch int, opt ProgramOptions) *Program {
	t.Helper()
	return logitsOf(t, d, devicetest.OddConfig(t, 96, 96, 3, 4, 4, [2]int{32, 32}), batch, opt)
}

// logitsOf is the same of another model.
func logitsOf(t *testing.T, d *Device, c crate.Config, batch int, opt ProgramOptions) *Program {
	t.Helper()
	store := NewWeightStore(d, c.RandomParams(5))
	t.Cleanup(store.Close)
	pr, err := NewProgram(context.Background(), d, store, logitsPlan(t, d, c, batch), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pr.Close)
	return pr
}

// logits runs a batch of one.
func logits(t *testing.T, c Computer, pixels []byte) ([]float32, error) {
	t.Helper()
	wait, err := c.Start(context.Background(), Inputs{crate.InputName: {Bytes: pixels}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := wait()
	if err != nil {
		return nil, err
	}
	return out.Outputs["logits"].Data, nil
}

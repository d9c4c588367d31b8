// Package enginetest opens run.Devices for the tests of packages below engine,
// and fails a test that leaves something on its device.
package enginetest

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// Open opens a device, without caches on disk. Nothing may be left on it at the
// end.
func Open(t *testing.T, inst *vk.Instance, info vk.Info) *run.Device {
	t.Helper()
	return OpenWith(t, inst, info, run.DeviceOptions{})
}

// OpenWith opens a device with options, of which it fills in the selector and
// where it has none the kernels.
func OpenWith(t *testing.T, inst *vk.Instance, info vk.Info, o run.DeviceOptions) *run.Device {
	t.Helper()
	o.Selector = "uuid:" + info.UUID
	if o.SPIRV == nil {
		o.SPIRV = shaders.SPIRV
	}
	d, err := run.OpenDevice(inst, o)
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

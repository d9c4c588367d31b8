package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// fine is a device as Vulkan 1.1 promises it, with one more number of storage buffers.
func fine(index int, name string, kind vk.DeviceType) vk.Info {
	return vk.Info{Index: index, Name: name, Type: kind, API: "1.1.0", Computes: true, Subgroup: 32, MaxSlots: 8, MaxStorageRange: 1 << 27,
		MaxShared: 16384, MaxInvocations: 128, MaxGroups: [3]int64{65535, 65535, 65535}, MaxPush: 128}
}

// TestUnusable: a device that can't run the kernels is passed over, with the reason,
// and refused by it where it is named.
func TestUnusable(t *testing.T) {
	for want, change := range map[string]func(*vk.Info){
		"has Vulkan 1.0.250, and 1.1 is needed": func(d *vk.Info) { d.API = "1.0.250" },
		"has no queue that computes":            func(d *vk.Info) { d.Computes = false },
		"reports subgroups without invocations (where LP_NATIVE_VECTOR_WIDTH is set, it has to be 128, 256 or 512)": func(d *vk.Info) { d.Subgroup = 0 },
		"binds at most 4 storage buffers to a kernel, and 6 are needed":                                             func(d *vk.Info) { d.MaxSlots = 4 },
		"has at most 8192 bytes of shared memory, and Vulkan promises 16384":                                        func(d *vk.Info) { d.MaxShared = 8192 },
		"has at most 64 invocations in a workgroup, and Vulkan promises 128":                                        func(d *vk.Info) { d.MaxInvocations = 64 },
		"has at most 1024 workgroups, and Vulkan promises 65535":                                                    func(d *vk.Info) { d.MaxGroups[0] = 1024 },
		"has at most 64 bytes of push constants, and Vulkan promises 128":                                           func(d *vk.Info) { d.MaxPush = 64 },
		"has at most 1 bytes in a storage buffer, and Vulkan promises 134217728":                                    func(d *vk.Info) { d.MaxStorageRange = 1 },
	} {
		bad, good := fine(0, "Old", vk.TypeDiscrete), fine(1, "llvmpipe", vk.TypeSoftware)
		change(&bad)
		if got := Describe(bad).Unusable; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		infos := []vk.Info{bad, good}
		if d, err := choose(infos, "auto"); err != nil || d.Name != "llvmpipe" {
			t.Errorf("%s: auto takes %s, %v", want, d.Name, err)
		}
		for _, selector := range []string{"0", "old"} {
			if _, err := choose(infos, selector); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: named %s gives %v", want, selector, err)
			}
		}
		if _, err := choose(infos[:1], "auto"); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: alone it gives %v", want, err)
		}
		if fact := unseenGPU(t.TempDir(), good, infos); !strings.Contains(fact, "Old "+want) {
			t.Errorf("%s: on llvmpipe nothing is said: %q", want, fact)
		}
	}
	if got := Describe(fine(0, "GPU", vk.TypeDiscrete)).Unusable; got != "" {
		t.Errorf("a device as the specification promises: %s", got)
	}
}

// TestUnseenGPU: where a software device runs and the system has a GPU's node, the
// driver that failed is named; else nothing is said.
func TestUnseenGPU(t *testing.T) {
	soft, gpu := fine(0, "llvmpipe", vk.TypeSoftware), fine(1, "GPU", vk.TypeDiscrete)
	root := t.TempDir()
	make := func(path string) {
		t.Helper()
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	make("dev/dri/card0")
	make("dev/nvidiactl")
	if fact := unseenGPU(root, soft, []vk.Info{soft}); fact != "" {
		t.Errorf("without a GPU: %s", fact)
	}
	make("dev/dri/renderD128")
	make("dev/nvidia0")
	make("sys/drivers/amdgpu/x")
	make("sys/class/drm/renderD128/device/x")
	if err := os.Symlink("../../../../drivers/amdgpu", filepath.Join(root, "sys/class/drm/renderD128/device/driver")); err != nil {
		t.Fatal(err)
	}
	fact := unseenGPU(root, soft, []vk.Info{soft})
	for _, want := range []string{"/dev/dri/renderD128", "amdgpu", "RADV", "/dev/nvidia0", "NVIDIA's own"} {
		if !strings.Contains(fact, want) || strings.Contains(fact, root) {
			t.Errorf("%q does not say %s, or names the test's folder", fact, want)
		}
	}
	if fact := unseenGPU(root, gpu, []vk.Info{soft, gpu}); fact != "" {
		t.Errorf("on a GPU: %s", fact)
	}
}

// Package devicetest finds the Vulkan devices that tests run on, and has models,
// pixels and damaged kernels for them.
package devicetest

import (
	"os"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// Each runs f on every device that the loader lists, as a subtest. Without a
// device it skips loudly, or fails where CRATE_VK_REQUIRE_VULKAN is set.
// CRATE_VK_VALIDATION turns on core and synchronization validation: a message
// fails the test.
func Each(t *testing.T, f func(t *testing.T, inst *vk.Instance, info vk.Info)) {
	t.Helper()
	inst := Open(t, nil)
	infos, err := inst.Devices()
	if err != nil {
		missing(t, err)
	}
	for _, info := range infos {
		t.Run(short(info.Name), func(t *testing.T) {
			f(t, inst, info)
			for _, m := range vk.Messages() {
				t.Error(m)
			}
		})
	}
}

// Open opens Vulkan for a test.
func Open(t *testing.T, faults *vk.Faults) *vk.Instance {
	t.Helper()
	inst, err := vk.Open(vk.Options{Validation: os.Getenv("CRATE_VK_VALIDATION") != "", Faults: faults})
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(inst.Close)
	return inst
}

// Need skips or fails a test, as Each does, where there is no device.
func Need(t *testing.T) {
	t.Helper()
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		missing(t, err)
	}
	defer inst.Close()
	if _, err := inst.Devices(); err != nil {
		missing(t, err)
	}
}

func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CRATE_VK_REQUIRE_VULKAN") != "" {
		t.Fatal(err)
	}
	t.Skipf("NOT TESTED ON A DEVICE: %v", err)
}

// short is the first word of a device's name, for the names of subtests.
func short(name string) string {
	word, _, _ := strings.Cut(name, " ")
	return strings.ToLower(word)
}

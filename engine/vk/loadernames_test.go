package vk

import (
	"slices"
	"strings"
	"testing"
)

// TestLoaderNames: a loader is preferred to MoltenVK, which is one driver, and Homebrew's
// folder, where dlopen does not look by itself, is looked into.
func TestLoaderNames(t *testing.T) {
	names := loaderNames("darwin")
	driver := slices.IndexFunc(names, func(s string) bool { return strings.HasSuffix(s, "libMoltenVK.dylib") })
	for _, want := range []string{"libvulkan.dylib", "libvulkan.1.dylib", "/opt/homebrew/lib/libvulkan.1.dylib", "@executable_path/../Frameworks/libvulkan.1.dylib"} {
		if i := slices.Index(names, want); i < 0 || i > driver {
			t.Errorf("%s is %d. of %q", want, i+1, names)
		}
	}
	if !slices.Contains(names, "/opt/homebrew/lib/libMoltenVK.dylib") {
		t.Errorf("MoltenVK of Homebrew is not among %q", names)
	}
	for system, want := range map[string]string{"windows": "vulkan-1.dll", "linux": "libvulkan.so.1", "freebsd": "libvulkan.so.1"} {
		if got := loaderNames(system); got[0] != want {
			t.Errorf("%s: %q", system, got)
		}
	}
}

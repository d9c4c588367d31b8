package vk_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
)

// TestEveryCallIsCounted: each call that gives a result goes through the counter, so
// that a test can make it fail; but for those whose failure means that something is
// not there.
func TestEveryCallIsCounted(t *testing.T) {
	free := map[string]string{
		"vkEnumerateInstanceLayerProperties":                "no layer",
		"vkEnumerateInstanceExtensionProperties":            "no extension",
		"vkEnumerateDeviceExtensionProperties":              "no extension",
		"vkCreateDebugUtilsMessengerEXT":                    "an error of Open, with validation alone",
		"vkGetPhysicalDeviceSurfaceSupportKHR":              "no queue that shows pictures",
		"vkCreateHeadlessSurfaceEXT":                        "a surface for tests",
		"vkGetPipelineExecutableStatisticsKHR":              "no statistics in a report",
		"vkGetPipelineExecutableInternalRepresentationsKHR": "no code in a report",
	}
	made, counted := devicetest.Calls(t, ".")
	for _, call := range slices.Sorted(maps.Keys(made)) {
		if _, ok := free[call]; !ok && made[call] != counted[call] {
			t.Errorf("%s is called in %d places, and in %d through the counter of faults", call, made[call], counted[call])
		}
	}
	for call := range free {
		if made[call] == 0 {
			t.Errorf("%s is not called any more", call)
		}
	}
}

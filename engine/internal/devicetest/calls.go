package devicetest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	madeInGo  = regexp.MustCompile(`\bvulkan\.([A-Z]\w+)\(`)
	madeInC   = regexp.MustCompile(`\bd->([A-Z]\w+)\(|CALL\(d, (\w+)|PFN_(vk\w+) \w+ =`)
	countedGo = regexp.MustCompile(`(?:call|next)\("vk(\w+)"`)
	countedC  = regexp.MustCompile(`CALL\(d, (\w+)|cvk_fault\(faults, "vk(\w+)"`)
	result    = regexp.MustCompile(`typedef VkResult \(VKAPI_PTR \*PFN_vk(\w+)\)`)
)

// Calls are the Vulkan functions with a result that the sources of engine/vk, in a
// folder, call: how often in the text, and how often through the counter of faults.
func Calls(t *testing.T, dir string) (made, counted map[string]int) {
	t.Helper()
	header, err := os.ReadFile("/usr/include/vulkan/vulkan_core.h")
	if err != nil {
		missing(t, err)
	}
	results := map[string]bool{}
	for _, m := range result.FindAllStringSubmatch(string(header), -1) {
		results[m[1]] = true
	}
	made, counted = map[string]int{}, map[string]int{}
	note := func(in map[string]int, matches [][]string) {
		for _, m := range matches {
			name := strings.TrimPrefix(strings.Join(m[1:], ""), "vk")
			if results[name] {
				in["vk"+name]++
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(f) {
		case ".go":
			if !strings.HasSuffix(f, "_test.go") {
				note(made, madeInGo.FindAllStringSubmatch(string(text), -1))
				note(counted, countedGo.FindAllStringSubmatch(string(text), -1))
			}
		case ".c":
			note(made, madeInC.FindAllStringSubmatch(string(text), -1))
			note(counted, countedC.FindAllStringSubmatch(string(text), -1))
		}
	}
	if len(counted) < 25 {
		t.Fatalf("only %v are counted", slices.Sorted(maps.Keys(counted)))
	}
	return made, counted
}

package vk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMissingHeader compiles where there is no vulkan/vulkan.h: what cgo reads
// ends in one line that names the packages, and so do our C files, but for the
// compiler's own last word.
func TestMissingHeader(t *testing.T) {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	system := t.TempDir() // instead of the system's headers
	if err := os.WriteFile(filepath.Join(system, "stdint.h"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("cvk*.[ch]")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		out, err := exec.Command(cc, "-nostdinc", "-isystem", system, "-fsyntax-only", "-x", "c", name).CombinedOutput()
		if err == nil {
			t.Errorf("%s: compiles", name)
		}
		var errors []string
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "error: ") {
				errors = append(errors, line)
			}
		}
		want := []string{"install libvulkan-dev (Debian, Ubuntu) or vulkan-headers (Fedora, Arch, Homebrew)", "vulkan/vulkan_core.h"}
		if name == "cvk.h" {
			want = want[:1]
		}
		ok := slices.EqualFunc(errors, want, strings.Contains)
		if !ok {
			t.Errorf("%s gives\n%s", name, out)
		}
	}
}

//go:build linux

package devicetest

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed layer fake
var layerSources embed.FS

// layerSource is a Vulkan layer in C, compiled once a process.
type layerSource struct {
	folder, name, about string // VK_LAYER_CRATEVK_name
	functions           [2]string
	once                sync.Once
	dir                 string
	err                 error
}

// use puts the layer below what the test opens, from then on. Nothing may be open.
// Without a compiler the test is skipped loudly, or fails where
// CRATE_VK_REQUIRE_VULKAN is set.
func (s *layerSource) use(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		missing(t, fmt.Errorf("the layer that %s can't be compiled: %w", s.about, err))
	}
	s.once.Do(func() { s.dir, s.err = s.build() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	t.Setenv("VK_INSTANCE_LAYERS", "VK_LAYER_CRATEVK_"+s.name)
	t.Setenv("VK_LAYER_PATH", s.dir+":/usr/share/vulkan/explicit_layer.d:/etc/vulkan/explicit_layer.d")
}

// build compiles the layer into a folder with its manifest.
func (s *layerSource) build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "crate-vk-"+s.name); err != nil {
		return "", err
	}
	files, err := layerSources.ReadDir(s.folder)
	if err != nil {
		return "", err
	}
	library := filepath.Join(dir, "lib"+s.name+".so")
	args := []string{"-O1", "-Wall", "-shared", "-fPIC", "-pthread", "-o", library}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		text, err := layerSources.ReadFile(s.folder + "/" + f.Name())
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, f.Name())
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return "", err
		}
		if filepath.Ext(to) == ".c" {
			args = append(args, to)
		}
	}
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	manifest := fmt.Sprintf(`{"file_format_version": "1.0.0", "layer": {"name": "VK_LAYER_CRATEVK_%s", "type": "GLOBAL", "library_path": %q,
		"api_version": "1.3.0", "implementation_version": "1", "description": %q, "functions": {
		"vkGetInstanceProcAddr": %q, "vkGetDeviceProcAddr": %q}}}`, s.name, library, s.about, s.functions[0], s.functions[1])
	return dir, os.WriteFile(filepath.Join(dir, "layer.json"), []byte(manifest), 0o600)
}

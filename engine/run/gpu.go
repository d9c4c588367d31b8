package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crate-vk/crate-vk/engine/vk"
)

// unseenGPU says that a software device runs although the system has a GPU: a driver
// failed, or is missing. "" where there is nothing to say. root is the system's root
// folder, where /dev and /sys lie.
func unseenGPU(root string, on vk.Info, all []vk.Info) string {
	if on.Type != vk.TypeSoftware {
		return ""
	}
	var facts []string
	for _, d := range all {
		if reason := unusable(d); d.Type != vk.TypeSoftware && reason != "" {
			facts = append(facts, fmt.Sprintf("%s %s", d.Name, reason))
		}
	}
	if len(facts) == 0 {
		for _, pattern := range []string{"dev/dri/renderD*", "dev/nvidia[0-9]*"} {
			nodes, _ := filepath.Glob(filepath.Join(root, pattern))
			for _, node := range nodes {
				facts = append(facts, aboutNode(root, node))
			}
		}
	}
	return strings.Join(facts, "; ")
}

// vulkanDrivers are the Vulkan drivers of the kernel's drivers, and their packages on
// Debian.
var vulkanDrivers = map[string]string{
	"amdgpu": "RADV (mesa-vulkan-drivers)", "radeon": "RADV (mesa-vulkan-drivers), for cards of amdgpu", "i915": "ANV (mesa-vulkan-drivers)", "xe": "ANV (mesa-vulkan-drivers)",
	"nvidia": "NVIDIA's own (nvidia-vulkan-icd)", "nouveau": "NVK (mesa-vulkan-drivers)", "msm": "Turnip (mesa-vulkan-drivers)", "v3d": "V3DV (mesa-vulkan-drivers)", "panfrost": "PanVK (mesa-vulkan-drivers)",
}

// aboutNode is what is known of a GPU's node that no Vulkan device stands for.
func aboutNode(root, node string) string {
	name := "/" + strings.TrimPrefix(strings.TrimPrefix(node, root), "/")
	driver := "nvidia"
	if base := filepath.Base(node); !strings.HasPrefix(base, "nvidia") {
		link, err := os.Readlink(filepath.Join(root, "sys/class/drm", base, "device/driver"))
		if driver = filepath.Base(link); err != nil {
			driver = ""
		}
	}
	fact := fmt.Sprintf("the GPU of %s is not among the devices", name)
	if driver != "" {
		fact += fmt.Sprintf(": its kernel driver is %s", driver)
		if v := vulkanDrivers[driver]; v != "" {
			fact += fmt.Sprintf(", whose Vulkan driver is %s, which is missing or failed", v)
		}
	}
	f, err := os.OpenFile(node, os.O_RDWR, 0)
	if err == nil {
		f.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		fact += "; this user may not open it (group render)"
	}
	return fact
}

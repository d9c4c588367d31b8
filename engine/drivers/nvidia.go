package drivers

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// nvidiaLibraries are those that are NVIDIA's Vulkan driver: manifests name the first, and
// the second where no X is.
var nvidiaLibraries = []string{"libGLX_nvidia.so.0", "libEGL_nvidia.so.0"}

// capabilities is the variable by which NVIDIA's container toolkit chooses what it
// brings into a container.
const capabilities = "NVIDIA_DRIVER_CAPABILITIES"

// nvidiaGiven reports that a GPU of NVIDIA was given to this container.
func (m Machine) nvidiaGiven() bool {
	visible := m.env("NVIDIA_VISIBLE_DEVICES")
	return m.exists("/dev/nvidiactl") || visible != "" && visible != "void" && visible != "none"
}

// nvidiaLibrary is NVIDIA's Vulkan driver, as a manifest would name it; "" where it is
// not there.
func (m Machine) nvidiaLibrary() string {
	i := slices.IndexFunc(nvidiaLibraries, func(name string) bool { return len(m.copies(name)) > 0 })
	if i < 0 {
		return ""
	}
	return nvidiaLibraries[i]
}

// capable reports that the container toolkit was asked for what Vulkan needs.
func (m Machine) capable() bool {
	asked := strings.Split(m.env(capabilities), ",")
	return slices.Contains(asked, "all") || slices.Contains(asked, "graphics")
}

// nvidiaInContainer finds that a container was given a GPU of NVIDIA without its Vulkan
// driver, which is the toolkit's default.
func nvidiaInContainer(ctx context.Context, m Machine) []Finding {
	if !m.inContainer(ctx) || !m.nvidiaGiven() || m.nvidiaLibrary() != "" {
		return nil
	}
	problem := "the container has a GPU of NVIDIA without its Vulkan driver (" + nvidiaLibraries[0] + ")"
	if !m.capable() {
		is := "is not set, which means compute,utility"
		if value := m.env(capabilities); value != "" {
			is = "is " + quote.Name(value)
		}
		problem += ": " + capabilities + " " + is
	}
	return []Finding{{Problem: problem, Remedy: m.nvidiaRemedy(ctx)}}
}

// nvidiaRemedy says how NVIDIA's Vulkan driver comes here.
func (m Machine) nvidiaRemedy(ctx context.Context) string {
	library := m.nvidiaLibrary()
	switch {
	case library != "":
		return fmt.Sprintf(`its library %s is there, so a manifest is enough: mkdir -p /etc/vulkan/icd.d && echo '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}' > /etc/vulkan/icd.d/nvidia_icd.json`, library, library)
	case !m.inContainer(ctx):
		return vulkanDrivers["nvidia"].install + "; or the whole driver from NVIDIA's site"
	case !m.capable():
		return "start the container with -e " + capabilities + "=all (graphics is what Vulkan needs)"
	}
	return "update nvidia-container-toolkit on the host, and what it has written down of the driver: nvidia-ctk cdi generate"
}

// The version of a driver of NVIDIA, in what its kernel module says and in the names of
// its libraries.
var (
	moduleVersion  = regexp.MustCompile(`Kernel Module(?: for \S+)? +([0-9]+\.[0-9.]+)`)
	libraryVersion = regexp.MustCompile(`\.so\.([0-9]+\.[0-9.]+)$`)
)

// nvidiaVersions finds that NVIDIA's libraries are of another version than the kernel
// module: they work in pairs alone.
func nvidiaVersions(ctx context.Context, m Machine) []Finding {
	module := moduleVersion.FindStringSubmatch(m.read(ctx, "/proc/driver/nvidia/version"))
	if module == nil {
		return nil
	}
	var others []string
	for _, path := range m.copies("libGLX_nvidia.so.*") {
		if v := libraryVersion.FindStringSubmatch(filepath.Base(path)); v != nil {
			if v[1] == module[1] {
				return nil
			}
			others = append(others, v[1])
		}
	}
	if len(others) == 0 {
		return nil
	}
	remedy := "the driver was updated under the running kernel: restart the machine"
	if m.inContainer(ctx) {
		remedy = "take the driver's libraries out of the image: the container toolkit brings the host's"
	}
	return []Finding{{Problem: fmt.Sprintf("NVIDIA's kernel module has version %s, and its libraries have %s", module[1], strings.Join(slices.Compact(others), ", ")), Remedy: remedy}}
}

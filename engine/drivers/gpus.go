package drivers

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// gpu is a GPU that the kernel knows.
type gpu struct {
	vendor string   // NVIDIA, AMD, Intel; "": known by its node alone
	at     string   // its address on the PCI bus, ""
	kernel string   // the kernel's driver, "": none, or not known
	nodes  []string // of which it should have at least one, in /dev
}

// String names a GPU so that its owner finds it.
func (g gpu) String() string {
	switch {
	case g.at == "":
		return "the GPU of " + strings.Join(g.nodes, ", ")
	case g.kernel == "":
		return fmt.Sprintf("the GPU of %s at %s on the PCI bus", g.vendor, g.at)
	}
	return fmt.Sprintf("the GPU of %s at %s on the PCI bus (kernel driver %s)", g.vendor, g.at, g.kernel)
}

// pciVendors are the makers of GPUs that compute, by the numbers of the PCI bus. What
// other display controllers show (a server's remote console, a virtual machine's screen)
// has no Vulkan.
var pciVendors = map[string]string{"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}

// nodePatterns are the nodes through which Vulkan drivers reach GPUs.
var nodePatterns = []string{"/dev/dri/renderD*", "/dev/nvidia[0-9]*"}

// nodes are the GPUs' nodes that this system has.
func (m Machine) nodes() []string {
	var list []string
	for _, pattern := range nodePatterns {
		list = append(list, m.glob(pattern)...)
	}
	return list
}

// gpus are those on the PCI bus, which a container sees too, and those of other nodes.
func (m Machine) gpus(ctx context.Context) []gpu {
	var list []gpu
	var known []string
	for _, device := range m.glob("/sys/bus/pci/devices/*") {
		vendor := pciVendors[strings.TrimSpace(m.read(ctx, device+"/vendor"))]
		class := strings.TrimSpace(m.read(ctx, device+"/class"))
		display := strings.HasPrefix(class, "0x03") || vendor == "AMD" && strings.HasPrefix(class, "0x1200") // Instinct: a processing accelerator
		if vendor == "" || !display {
			continue
		}
		g := gpu{vendor: vendor, at: filepath.Base(device), kernel: m.link(device + "/driver")}
		for _, node := range m.glob(device + "/drm/renderD*") {
			g.nodes = append(g.nodes, "/dev/dri/"+filepath.Base(node))
		}
		if g.kernel == "nvidia" {
			g.nodes = m.glob("/dev/nvidia[0-9]*") // its driver doesn't use the others
		}
		known = append(known, g.nodes...)
		list = append(list, g)
	}
	for _, node := range m.nodes() {
		if slices.Contains(known, node) {
			continue
		}
		kernel := "nvidia"
		if base := filepath.Base(node); !strings.HasPrefix(base, "nvidia") {
			kernel = m.link("/sys/class/drm/" + base + "/device/driver")
		}
		// The render node of NVIDIA's own driver is a second way to what /dev/nvidia0 is.
		if second := kernel == "nvidia" && strings.HasPrefix(node, "/dev/dri"); kernel != "vgem" && !second {
			list = append(list, gpu{kernel: kernel, nodes: []string{node}})
		}
	}
	return list
}

// HasGPU reports that the kernel knows a GPU, or that Windows lends one to WSL.
func (m Machine) HasGPU(ctx context.Context) bool {
	return m.exists("/dev/dxg") || len(m.gpus(ctx)) > 0
}

// nodesMissing finds GPUs on the PCI bus that have no node in /dev.
func nodesMissing(ctx context.Context, m Machine) []Finding {
	var found []Finding
	for _, g := range m.gpus(ctx) {
		if slices.ContainsFunc(g.nodes, m.exists) {
			continue
		}
		problem, remedy := fmt.Sprintf("%s has no node in /dev", g), ""
		switch container := m.inContainer(ctx); {
		case g.kernel == "vfio-pci":
			problem, remedy = fmt.Sprintf("%s is set aside for a virtual machine", g), "bind it to its own kernel driver, or run inside that virtual machine"
		case container && g.vendor == "NVIDIA":
			remedy = "give it to the container: --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all, which wants nvidia-container-toolkit on the host"
		case container:
			remedy = "give it to the container: --device /dev/dri"
		case g.kernel == "":
			problem, remedy = fmt.Sprintf("no kernel driver runs %s", g), kernelRemedy(g.vendor)
		case g.kernel == "nvidia":
			remedy = "run nvidia-smi once as root, or install nvidia-modprobe: they make the nodes"
		default:
			remedy = "see what the kernel says of it: dmesg"
		}
		found = append(found, Finding{Problem: problem, Remedy: remedy})
	}
	return found
}

// kernelRemedy says how a GPU gets its kernel driver.
func kernelRemedy(vendor string) string {
	switch vendor {
	case "NVIDIA":
		return "install NVIDIA's driver (Debian: nvidia-driver) and restart; where it is installed: modprobe nvidia, and see dmesg"
	case "AMD":
		return "modprobe amdgpu, and see dmesg: it may want firmware (Debian: firmware-amd-graphics)"
	}
	return "modprobe i915, or xe for the newest, and see dmesg: it may want a newer kernel"
}

// vulkanDriver is the Vulkan driver of GPUs that one of the kernel's drivers runs.
type vulkanDriver struct {
	name      string
	libraries []string // parts of its library's name
	install   string
}

const mesa = "Debian, Ubuntu: apt-get install mesa-vulkan-drivers"

// vulkanDrivers are by the kernel's driver.
var vulkanDrivers = map[string]vulkanDriver{
	"amdgpu":   {"RADV", []string{"radeon", "amdvlk"}, mesa},
	"radeon":   {"RADV", []string{"radeon"}, mesa + ", and run the card by amdgpu: radeon has no Vulkan"},
	"i915":     {"ANV", []string{"vulkan_intel"}, mesa},
	"xe":       {"ANV", []string{"vulkan_intel"}, mesa},
	"nvidia":   {"NVIDIA's own", []string{"nvidia"}, "Debian: apt-get install nvidia-vulkan-icd"},
	"nouveau":  {"NVK", []string{"nouveau"}, mesa + " of Mesa 24.1 or newer, or NVIDIA's own driver"},
	"msm":      {"Turnip", []string{"freedreno"}, mesa},
	"msm_dpu":  {"Turnip", []string{"freedreno"}, mesa},
	"v3d":      {"V3DV", []string{"broadcom"}, mesa},
	"panfrost": {"PanVK", []string{"panfrost"}, mesa + " of Mesa 25 or newer"},
	"panthor":  {"PanVK", []string{"panfrost"}, mesa + " of Mesa 25 or newer"},
	"asahi":    {"Honeykrisp", []string{"asahi"}, mesa + " of Mesa 25.1 or newer"},
}

// driversMissing finds GPUs whose Vulkan driver is not installed, and those whose driver
// is, which must be why, where Vulkan reports none.
func driversMissing(ctx context.Context, m Machine) []Finding {
	list := m.manifests(ctx)
	var found []Finding
	for _, g := range m.gpus(ctx) {
		driver, known := vulkanDrivers[g.kernel]
		if !slices.ContainsFunc(g.nodes, m.exists) {
			continue
		}
		if !known {
			found = append(found, Finding{Harmless: true, Problem: fmt.Sprintf("Vulkan reports nothing for %s, and its Vulkan driver is not known here", g), Remedy: "install the Vulkan driver of its maker, or of Mesa (" + mesa + ")"})
			continue
		}
		installed := slices.ContainsFunc(list, func(x manifest) bool {
			return slices.ContainsFunc(driver.libraries, func(part string) bool { return strings.Contains(x.library, part) })
		})
		switch {
		case !installed:
			remedy := driver.install
			if g.kernel == "nvidia" {
				remedy = m.nvidiaRemedy(ctx)
			}
			found = append(found, Finding{Problem: fmt.Sprintf("%s has no Vulkan driver here: its kernel driver is %s, whose Vulkan driver is %s, and no manifest names that", g, g.kernel, driver.name), Remedy: remedy})
		default:
			found = append(found, Finding{Harmless: true, Problem: fmt.Sprintf("the Vulkan driver of %s (%s) is installed, and reports no GPU", g, driver.name),
				Remedy: "where nothing above is the cause: the GPU may be newer than the driver: install a newer one (Debian: from backports)"})
		}
	}
	return found
}

// wslDriver finds that Windows lends a GPU to WSL, where Vulkan needs Mesa's dzn.
func wslDriver(ctx context.Context, m Machine) []Finding {
	if !m.exists("/dev/dxg") {
		return nil
	}
	if !m.exists("/usr/lib/wsl/lib/libd3d12.so") {
		return []Finding{{Harmless: true, Problem: "Windows lends its GPU to WSL (/dev/dxg), without the libraries in /usr/lib/wsl/lib", Remedy: "in Windows: wsl --update; in a container: -v /usr/lib/wsl:/usr/lib/wsl --device /dev/dxg"}}
	}
	problem := "Windows lends its GPU to WSL (/dev/dxg), and the Vulkan driver for that, Mesa's dzn, is not installed"
	if slices.ContainsFunc(m.manifests(ctx), func(x manifest) bool { return strings.Contains(x.library, "dzn") }) {
		problem = "Windows lends its GPU to WSL (/dev/dxg), and Mesa's dzn, the Vulkan driver for that, reports no GPU"
	}
	return []Finding{{Harmless: true, Problem: problem, Remedy: "install a Mesa that has dzn (Debian's and many of Ubuntu's don't; its makers call it not conformant), or run crate-vk's Windows binary"}}
}

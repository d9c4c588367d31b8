package drivers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// made is a machine that a test makes up.
type made struct {
	files  map[string]string // by path; their folders come with them
	links  map[string]string
	env    map[string]string
	load   map[string]string // the linker's words on a library; all others load
	closed map[string]error  // nodes that can't be opened
}

// machine makes it in a folder.
func (x made) machine(t *testing.T) Machine {
	t.Helper()
	root := t.TempDir()
	place := func(path string) string {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		return full
	}
	for path, text := range x.files {
		if err := os.WriteFile(place(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, to := range x.links {
		if err := os.Symlink(to, place(path)); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{System: "linux", Root: root, Getenv: func(name string) string { return x.env[name] },
		Load: func(_ context.Context, library string) error {
			if words := x.load[strings.TrimPrefix(library, root)]; words != "" {
				return errors.New(words)
			}
			return nil
		},
		Use: func(node string) error { return x.closed[strings.TrimPrefix(node, root)] },
	}
}

// with is a machine with more; what is "" in more is taken away.
func (x made) with(more made) made {
	merge := func(a, b map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{a, b} {
			for k, v := range m {
				all[k] = v
				if v == absent {
					delete(all, k)
				}
			}
		}
		return all
	}
	return made{merge(x.files, more.files), merge(x.links, more.links), merge(x.env, more.env), merge(x.load, more.load), more.closed}
}

const absent = "(absent)"

func manifestOf(library string) string {
	return `{"file_format_version": "1.0.0", "ICD": {"library_path": "` + library + `", "api_version": "1.3.0"}}`
}

const icds = "/usr/share/vulkan/icd.d/"

var libs = "/usr/lib/" + multiarch() + "/"

// amd is a desktop with a card of AMD, in order.
func amd() made {
	return made{
		files: map[string]string{
			"/dev/dri/renderD128":                                "",
			"/sys/bus/pci/devices/0000:03:00.0/vendor":           "0x1002\n",
			"/sys/bus/pci/devices/0000:03:00.0/class":            "0x030000\n",
			"/sys/bus/pci/devices/0000:03:00.0/drm/renderD128/x": "",
			icds + "radeon_icd.x86_64.json":                      manifestOf(libs + "libvulkan_radeon.so"),
			libs + "libvulkan_radeon.so":                         "\x7fELF\x02",
			"/etc/group":                                         "root:x:0:\nrender:x:105:\n",
		},
		links: map[string]string{
			"/sys/bus/pci/devices/0000:03:00.0/driver": "../../../../bus/pci/drivers/amdgpu",
		},
	}
}

// nvidia is a machine with a card of NVIDIA, in order; in a container if it is said so.
func nvidia() made {
	return made{
		files: map[string]string{
			"/dev/nvidiactl": "",
			"/dev/nvidia0":   "",
			"/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
			"/sys/bus/pci/devices/0000:01:00.0/class":  "0x030200\n",
			"/etc/vulkan/icd.d/nvidia_icd.json":        manifestOf("libGLX_nvidia.so.0"),
			libs + "libGLX_nvidia.so.0":                "\x7fELF\x02",
			libs + "libGLX_nvidia.so.535.183.01":       "\x7fELF\x02",
			"/proc/driver/nvidia/version":              "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version:  gcc 12\n",
		},
		links: map[string]string{"/sys/bus/pci/devices/0000:01:00.0/driver": "../nvidia"},
	}
}

// container makes a machine a container.
func container() made { return made{files: map[string]string{"/.dockerenv": ""}} }

// found are the findings that count where Vulkan reports a GPU, or all of them.
func found(m Machine, all bool) []Finding {
	return slices.DeleteFunc(m.Check(context.Background()), func(f Finding) bool { return f.Harmless && !all })
}

// TestInOrder: where a GPU works nothing is found.
func TestInOrder(t *testing.T) {
	for name, x := range map[string]made{
		"AMD": amd(), "NVIDIA": nvidia(), "NVIDIA in a container": nvidia().with(container()), "both": amd().with(nvidia()),
		"NVIDIA, with a render node": nvidia().with(made{files: map[string]string{"/dev/dri/renderD128": ""},
			links: map[string]string{"/sys/class/drm/renderD128/device/driver": "../nvidia"}}),
		"a chosen manifest": amd().with(made{env: map[string]string{"VK_DRIVER_FILES": icds + "radeon_icd.x86_64.json", "VK_ICD_FILENAMES": "/gone.json"}}),
		"a chosen folder":   amd().with(made{env: map[string]string{"VK_DRIVER_FILES": icds}}),
		"no GPU at all":     {},
		"a remote console and an NPU": {files: map[string]string{
			"/sys/bus/pci/devices/0000:02:00.0/vendor": "0x1a03\n", "/sys/bus/pci/devices/0000:02:00.0/class": "0x030000\n",
			"/sys/bus/pci/devices/0000:00:0b.0/vendor": "0x8086\n", "/sys/bus/pci/devices/0000:00:0b.0/class": "0x120000\n"}},
	} {
		if list := found(x.machine(t), false); len(list) > 0 {
			t.Errorf("%s: %v", name, list)
		}
		if m := x.machine(t); m.HasGPU(context.Background()) != (len(x.links) > 0) {
			t.Errorf("%s: HasGPU is wrong", name)
		}
	}
	if list := found(amd().machine(t), true); len(list) != 1 || list[0].Check != "drivers" || !strings.Contains(list[0].Problem, "reports no GPU") {
		t.Errorf("of a GPU that Vulkan does not report: %v", list)
	}
}

// finds is what one cause must lead to: the first finding.
type finds struct {
	what            string
	on              made
	check           string
	problem, remedy []string
}

// TestFindings: each cause is named first, with its remedy.
func TestFindings(t *testing.T) {
	for _, x := range slices.Concat(loading(), givenAway()) {
		m := x.on.machine(t)
		list := found(m, true)
		if len(list) == 0 {
			t.Errorf("%s: nothing is found", x.what)
			continue
		}
		got := list[0]
		if got.Check != x.check {
			t.Errorf("%s: %s finds %v", x.what, got.Check, list)
		}
		for _, word := range x.problem {
			if !strings.Contains(got.Problem, word) {
				t.Errorf("%s: want %q in the problem %q", x.what, word, got.Problem)
			}
		}
		for _, word := range x.remedy {
			if !strings.Contains(got.Remedy, word) {
				t.Errorf("%s: want %q in the remedy %q", x.what, word, got.Remedy)
			}
		}
		for _, f := range list {
			if strings.Contains(f.String(), m.Root) || strings.HasSuffix(f.Problem, ".") || f.Remedy == "" {
				t.Errorf("%s: %q: names the test's folder, ends in a full stop, or has no remedy", x.what, f)
			}
		}
	}
}

// loading are causes in the loader, manifests and libraries.
func loading() []finds {
	missing := func(library string) string {
		return library + ": cannot open shared object file: No such file or directory"
	}
	radeon := libs + "libvulkan_radeon.so"
	file := icds + "radeon_icd.x86_64.json"
	return []finds{
		{"no loader", amd().with(made{load: map[string]string{"libvulkan.so.1": missing("libvulkan.so.1"), "libvulkan.so": "no"}}), "loader", []string{"libvulkan.so.1", "not there"}, []string{"apt-get install libvulkan1"}},
		{"a loader for 32 bits", amd().with(made{files: map[string]string{"/usr/lib/i386-linux-gnu/libvulkan.so.1": "\x7fELF\x01"},
			load: map[string]string{"libvulkan.so.1": missing("libvulkan.so.1"), "libvulkan.so": "no"}}), "loader", []string{"32-bit"}, []string{"64 bits"}},
		{"no manifest", amd().with(made{files: map[string]string{file: absent}}), "manifests", []string{"no manifest", "/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d"}, []string{"mesa-vulkan-drivers"}},
		{"no manifest in a container", amd().with(made{files: map[string]string{file: absent}}).with(container()), "manifests", []string{"no manifest"}, []string{"--device /dev/dri", "--gpus all", "NVIDIA_DRIVER_CAPABILITIES=all"}},
		{"a manifest that is gone", amd().with(made{env: map[string]string{"VK_ICD_FILENAMES": "/gone.json"}}), "manifests", []string{"/gone.json (of VK_ICD_FILENAMES) does not exist"}, []string{"unset VK_ICD_FILENAMES"}},
		{"an added manifest that is gone", amd().with(made{env: map[string]string{"VK_ADD_DRIVER_FILES": "/gone.json"}}), "manifests", []string{"/gone.json"}, []string{"unset VK_ADD_DRIVER_FILES"}},
		{"a manifest that is no JSON", amd().with(made{files: map[string]string{file: "{"}}), "manifests", []string{file, "is not the JSON"}, []string{"reinstall"}},
		{"a manifest without a library", amd().with(made{files: map[string]string{file: "{}"}}), "manifests", []string{"names no library"}, []string{"reinstall"}},
		{"a manifest that is a folder", amd().with(made{files: map[string]string{file: absent, file + "/x": ""}}), "manifests", []string{"is a directory"}, []string{"reinstall"}},
		{"a newer C library", amd().with(made{load: map[string]string{radeon: "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by " + radeon + ")"}}), "libraries", []string{radeon, "version `GLIBC_2.38' not found"}, []string{"newer system, whose C library has GLIBC_2.38", "image at least as new"}},
		{"a newer C++ library", amd().with(made{load: map[string]string{radeon: "libstdc++.so.6: version `GLIBCXX_3.4.32' not found"}}), "libraries", nil, []string{"whose C++ library has GLIBCXX_3.4.32"}},
		{"a driver for 32 bits", amd().with(made{load: map[string]string{radeon: radeon + ": wrong ELF class: ELFCLASS32"}}), "libraries", []string{"32-bit library"}, []string{"64 bits"}},
		{"a driver that is not there", amd().with(made{load: map[string]string{radeon: missing(radeon)}}), "libraries", []string{"is not there"}, []string{"reinstall"}},
		{"a driver of a manifest's own folder", amd().with(made{files: map[string]string{file: manifestOf("../lib/x.so")}, load: map[string]string{"/usr/share/vulkan/lib/x.so": "invalid ELF header"}}), "libraries", []string{"invalid ELF header"}, []string{"reinstall"}},
		{"X's libraries behind NVIDIA's", nvidia().with(made{load: map[string]string{"libGLX_nvidia.so.0": missing("libXext.so.6")}}), "libraries", []string{"libGLX_nvidia.so.0", "libXext.so.6"}, []string{"apt-get install libx11-6 libxext6"}},
		{"another library behind a driver", amd().with(made{load: map[string]string{radeon: missing("libzstd.so.1")}}), "libraries", nil, []string{"apt-get install libzstd1"}},
		{"an unknown library behind a driver", amd().with(made{load: map[string]string{radeon: missing("libodd.so.9")}}), "libraries", nil, []string{"the package that has", "libodd.so.9"}},
		{"drivers that are left out", amd().with(made{env: map[string]string{"VK_LOADER_DRIVERS_DISABLE": "*radeon*"}}), "filter", []string{"VK_LOADER_DRIVERS_DISABLE"}, []string{"unset it"}},
	}
}

// givenAway are causes in nodes, containers and the kernel.
func givenAway() []finds {
	gone := made{files: map[string]string{"/etc/vulkan/icd.d/nvidia_icd.json": absent, libs + "libGLX_nvidia.so.0": absent, libs + "libGLX_nvidia.so.535.183.01": absent,
		icds + "lvp_icd.json": manifestOf("libvulkan_lvp.so")}}
	noManifest := nvidia().with(made{files: map[string]string{"/etc/vulkan/icd.d/nvidia_icd.json": absent, icds + "lvp_icd.json": manifestOf("libvulkan_lvp.so")}})
	noNode := made{files: map[string]string{"/dev/dri/renderD128": absent, "/dev/nvidia0": absent, "/dev/nvidiactl": absent}}
	capable := func(value string) made { return made{env: map[string]string{capabilities: value}} }
	dxg := made{files: map[string]string{"/dev/dxg": "", icds + "lvp_icd.json": manifestOf("libvulkan_lvp.so")}}
	return []finds{
		{"no capability", nvidia().with(gone).with(container()), "nvidia-container", []string{"NVIDIA_DRIVER_CAPABILITIES is not set"}, []string{"-e NVIDIA_DRIVER_CAPABILITIES=all"}},
		{"no capability in a pod", nvidia().with(gone).with(made{env: map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, files: map[string]string{"/proc/1/cgroup": "0::/\n"}}), "nvidia-container", []string{"NVIDIA_DRIVER_CAPABILITIES is not set"}, []string{"-e NVIDIA_DRIVER_CAPABILITIES=all"}},
		{"capabilities without graphics", nvidia().with(gone).with(container()).with(capable("compute,utility")), "nvidia-container", []string{`is "compute,utility"`}, []string{"-e NVIDIA_DRIVER_CAPABILITIES=all"}},
		{"capabilities and no library", nvidia().with(gone).with(container()).with(capable("compute,graphics")), "nvidia-container", []string{"without its Vulkan driver"}, []string{"nvidia-ctk cdi generate"}},
		{"NVIDIA's library without a manifest", noManifest.with(container()).with(capable("all")), "drivers", []string{"no manifest names that"}, []string{"nvidia_icd.json", "libGLX_nvidia.so.0"}},
		{"NVIDIA's driver for Vulkan not installed", nvidia().with(gone), "drivers", []string{"kernel driver is nvidia", "NVIDIA's own"}, []string{"nvidia-vulkan-icd"}},
		{"NVIDIA's library and module differ", nvidia().with(made{files: map[string]string{libs + "libGLX_nvidia.so.535.183.01": absent, libs + "libGLX_nvidia.so.550.54.14": ""}}), "nvidia-versions", []string{"module has version 535.183.01", "550.54.14"}, []string{"restart the machine"}},
		{"NVIDIA's library and its open module differ", nvidia().with(made{files: map[string]string{libs + "libGLX_nvidia.so.535.183.01": absent, libs + "libGLX_nvidia.so.570.133.20": "",
			"/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs-builder@U22)  Wed Feb 26 02:13:22 UTC 2025\n"}}),
			"nvidia-versions", []string{"module has version 570.124.06", "570.133.20"}, []string{"restart the machine"}},
		{"WSL", dxg.with(made{files: map[string]string{"/usr/lib/wsl/lib/libd3d12.so": ""}}), "wsl", []string{"dzn", "not installed"}, []string{"a Mesa that has dzn"}},
		{"WSL with dzn", dxg.with(made{files: map[string]string{"/usr/lib/wsl/lib/libd3d12.so": "", icds + "dzn_icd.json": manifestOf("libvulkan_dzn.so")}}), "wsl", []string{"dzn", "reports no GPU"}, nil},
		{"WSL without Windows' libraries", dxg, "wsl", []string{"/usr/lib/wsl/lib"}, []string{"wsl --update"}},
		{"no permission", amd().with(made{closed: map[string]error{"/dev/dri/renderD128": syscall.EACCES}}), "permission", []string{"/dev/dri/renderD128", "may not open it"}, []string{"usermod -aG render $USER"}},
		{"no permission in a container", amd().with(container()).with(made{closed: map[string]error{"/dev/dri/renderD128": syscall.EACCES}}), "permission", []string{"may not open it"}, []string{"--group-add "}},
		{"a node that was mounted", amd().with(made{closed: map[string]error{"/dev/dri/renderD128": syscall.EPERM}}), "permission", []string{"container may not use it"}, []string{"--device /dev/dri/renderD128"}},
		{"a node behind which nothing answers", nvidia().with(made{closed: map[string]error{"/dev/nvidiactl": &os.PathError{Op: "open", Path: "x", Err: syscall.EIO}}}), "permission", []string{"/dev/nvidiactl", "input/output error"}, []string{"dmesg"}},
		{"AMD in a container without nodes", amd().with(noNode).with(container()), "nodes", []string{"GPU of AMD at 0000:03:00.0", "no node in /dev"}, []string{"--device /dev/dri"}},
		{"NVIDIA in a container without nodes", nvidia().with(noNode).with(container()), "nodes", []string{"GPU of NVIDIA at 0000:01:00.0"}, []string{"--gpus all"}},
		{"NVIDIA without nodes", nvidia().with(noNode), "nodes", []string{"no node in /dev"}, []string{"nvidia-modprobe"}},
		{"AMD without nodes", amd().with(noNode), "nodes", []string{"no node in /dev"}, []string{"dmesg"}},
		{"no kernel driver", amd().with(noNode).with(made{links: map[string]string{"/sys/bus/pci/devices/0000:03:00.0/driver": absent}, files: map[string]string{"/sys/bus/pci/devices/0000:03:00.0/drm/renderD128/x": absent}}), "nodes", []string{"no kernel driver runs"}, []string{"modprobe amdgpu"}},
		{"a card that was set aside", amd().with(noNode).with(made{links: map[string]string{"/sys/bus/pci/devices/0000:03:00.0/driver": "../vfio-pci"}}), "nodes", []string{"virtual machine"}, []string{"bind it"}},
		{"an Instinct, an accelerator", amd().with(noNode).with(container()).with(made{files: map[string]string{"/sys/bus/pci/devices/0000:03:00.0/class": "0x120000\n"}}), "nodes", []string{"GPU of AMD"}, nil},
		{"another driver than the card's", amd().with(made{files: map[string]string{icds + "radeon_icd.x86_64.json": manifestOf("libvulkan_lvp.so")}}), "drivers", []string{"kernel driver is amdgpu", "RADV"}, []string{"apt-get install mesa-vulkan-drivers"}},
		{"a card that is on no PCI bus", made{files: map[string]string{"/dev/dri/renderD128": "", icds + "lvp_icd.json": manifestOf("libvulkan_lvp.so")}, links: map[string]string{"/sys/class/drm/renderD128/device/driver": "../panfrost"}}, "drivers", []string{"GPU of /dev/dri/renderD128", "PanVK"}, nil},
	}
}

// TestStuck: a check that does not end is a finding once the context has ended, and the
// others are told.
func TestStuck(t *testing.T) {
	m := amd().machine(t)
	forever := make(chan struct{})
	defer close(forever)
	m.Use = func(string) error { <-forever; return nil }
	m.Load = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var all []string
	for _, f := range m.Check(ctx) {
		all = append(all, f.Check+": "+f.Problem)
		if library := f.Check == "loader" || f.Check == "libraries"; f.Late != library {
			t.Errorf("%s: late is %t of %q", f.Check, f.Late, f.Problem)
		}
	}
	for _, want := range []string{"permission: looking for permission has not ended", "drivers: ", "loader: the Vulkan loader libvulkan.so.1 has not loaded in time"} {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("want %q in %q", want, all)
		}
	}
}

// TestNoLoads: without Load no library is tried, and what files show is told.
func TestNoLoads(t *testing.T) {
	x := nvidia().with(container())
	x.files[libs+"libGLX_nvidia.so.0"] = ""
	m := x.with(made{env: map[string]string{"VK_DRIVER_FILES": "/gone.json"}}).machine(t)
	m.Load = nil
	list := found(m, false)
	if len(list) == 0 || list[0].Check != "manifests" {
		t.Errorf("%v", list)
	}
}

// TestEmptyFolderNamed: a variable that names a folder without manifests is what is wrong,
// not that no driver is installed.
func TestEmptyFolderNamed(t *testing.T) {
	m := amd().with(made{files: map[string]string{"/empty/readme": ""}, env: map[string]string{"VK_DRIVER_FILES": "/empty"}}).machine(t)
	list := found(m, true)
	if len(list) == 0 || !strings.HasPrefix(list[0].Problem, `VK_DRIVER_FILES="/empty" leads to no driver manifest`) || !strings.Contains(list[0].Remedy, "unset VK_DRIVER_FILES") {
		t.Errorf("%v", list)
	}
}

// TestOtherSystems: where there is no /sys and no /dev, the loader alone is looked at.
func TestOtherSystems(t *testing.T) {
	m := amd().with(made{closed: map[string]error{"/dev/dri/renderD128": syscall.EACCES}}).machine(t)
	m.System = "windows"
	if list := m.Check(context.Background()); len(list) > 0 {
		t.Errorf("%v", list)
	}
}

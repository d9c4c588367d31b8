package vk

import "runtime"

// LoaderNames are the names under which the Vulkan loader is looked for on this system,
// in that order. macOS has no loader of its own: it comes with the Vulkan SDK or with
// Homebrew, beside a program in its bundle, or MoltenVK, which is a driver, stands for it.
func LoaderNames() []string { return loaderNames(runtime.GOOS) }

func loaderNames(system string) []string {
	switch system {
	case "windows":
		return []string{"vulkan-1.dll"}
	case "darwin":
		var names []string
		for _, name := range []string{"libvulkan.dylib", "libvulkan.1.dylib", "libMoltenVK.dylib"} {
			// dlopen looks in /usr/local/lib for a bare name, and not in Homebrew's
			// folder on Apple's own processors.
			for _, folder := range []string{"", "@executable_path/../Frameworks/", "/opt/homebrew/lib/", "/usr/local/lib/"} {
				names = append(names, folder+name)
			}
		}
		return names
	}
	return []string{"libvulkan.so.1", "libvulkan.so"}
}

// LoaderRemedy says how the loader is installed on this system.
func LoaderRemedy() string { return loaderRemedy(runtime.GOOS) }

func loaderRemedy(system string) string {
	switch system {
	case "windows":
		return "it comes with the GPU's driver: install that from the vendor's site"
	case "darwin":
		return "brew install vulkan-loader molten-vk"
	}
	return "Debian, Ubuntu: apt-get install libvulkan1; Fedora: dnf install vulkan-loader; Arch: pacman -S vulkan-icd-loader"
}

package drivers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// manifest is a file that tells the loader of a driver.
type manifest struct {
	path     string
	variable string // that names it; "": it lies in one of the loader's folders
	library  string // a path, or a name that the system looks up
	problem  string // why the loader can't use it
}

// mostManifests is how many are looked at: a machine has about ten.
const mostManifests = 64

// chosen are the variables that replace the loader's folders by a list of manifests,
// the one that wins first.
var chosen = []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}

// added is the variable that adds to the loader's folders.
const added = "VK_ADD_DRIVER_FILES"

// manifests are those that the loader reads on this machine.
func (m Machine) manifests(ctx context.Context) []manifest {
	var list []manifest
	add := func(path, variable string) {
		if len(list) < mostManifests && !slices.ContainsFunc(list, func(x manifest) bool { return x.path == path }) {
			list = append(list, m.manifest(ctx, path, variable))
		}
	}
	if variable := m.only(); variable != "" {
		for _, path := range filepath.SplitList(m.env(variable)) {
			for _, file := range m.named(path) {
				add(file, variable)
			}
		}
		return list
	}
	for _, path := range filepath.SplitList(m.env(added)) {
		for _, file := range m.named(path) {
			add(file, added)
		}
	}
	for _, folder := range m.folders() {
		for _, path := range m.glob(folder + "/*.json") {
			add(path, "")
		}
	}
	return list
}

// only is the variable that replaces the loader's folders here, "" where none does.
func (m Machine) only() string {
	for _, variable := range chosen {
		if m.env(variable) != "" {
			return variable
		}
	}
	return ""
}

// Manifests are the paths of those that tell the loader of a driver on this machine.
func (m Machine) Manifests(ctx context.Context) []string {
	var list []string
	for _, x := range m.manifests(ctx) {
		if x.problem == "" {
			list = append(list, x.path)
		}
	}
	return list
}

// named are the files that an entry of such a variable stands for: itself, or those in
// the folder that it is.
func (m Machine) named(path string) []string {
	if info, err := os.Stat(m.path(path)); err == nil && info.IsDir() {
		return m.glob(path + "/*.json")
	}
	return []string{path}
}

// folders are where the loader looks for manifests.
func (m Machine) folders() []string {
	home := m.env("HOME")
	or := func(variable, otherwise string) []string {
		if value := m.env(variable); value != "" {
			otherwise = value
		}
		return filepath.SplitList(otherwise)
	}
	bases := slices.Concat(or("XDG_CONFIG_HOME", home+"/.config"), or("XDG_CONFIG_DIRS", "/etc/xdg"), []string{"/usr/local/etc", "/etc"},
		or("XDG_DATA_HOME", home+"/.local/share"), or("XDG_DATA_DIRS", "/usr/local/share:/usr/share"))
	var list []string
	for _, base := range bases {
		list = append(list, filepath.Join(base, "vulkan/icd.d"))
	}
	return list
}

// manifest reads one.
func (m Machine) manifest(ctx context.Context, path, variable string) manifest {
	x := manifest{path: path, variable: variable}
	data, err := regular.Read(ctx, m.path(path), regular.Proc)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.problem = "does not exist"
		return x
	case err != nil:
		if x.problem = regular.Refused(err); x.problem == "" {
			x.problem = "can't be read: " + reason(err)
		}
		return x
	}
	var content struct {
		ICD struct {
			Library string `json:"library_path"`
		} `json:"ICD"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		x.problem = fmt.Sprintf("is not the JSON of a driver's manifest: %v", err)
		return x
	}
	if x.library = content.ICD.Library; x.library == "" {
		x.problem = `names no library (ICD, library_path)`
	} else if strings.Contains(x.library, "/") && !filepath.IsAbs(x.library) {
		x.library = filepath.Join(filepath.Dir(path), x.library) // the loader reads it from the manifest's folder
	}
	return x
}

// String names a manifest, and the variable through which the loader knows it.
func (x manifest) String() string {
	if x.variable != "" {
		return fmt.Sprintf("%s (of %s)", quote.Path(x.path), x.variable)
	}
	return quote.Path(x.path)
}

// manifestsBroken finds manifests that the loader can't use, and that there are none.
func manifestsBroken(ctx context.Context, m Machine) []Finding {
	list := m.manifests(ctx)
	var found []Finding
	for _, x := range list {
		if x.problem == "" {
			continue
		}
		remedy := "reinstall the package that it belongs to, or remove it"
		switch x.variable {
		case "":
		case added:
			remedy = "correct or unset " + added
		default:
			remedy = fmt.Sprintf("correct or unset %s: the loader reads what it names and nothing else", x.variable)
		}
		found = append(found, Finding{Problem: fmt.Sprintf("the driver manifest %s %s", x, x.problem), Remedy: remedy})
	}
	if variable := m.only(); len(list) == 0 && variable != "" {
		found = append(found, Finding{Problem: fmt.Sprintf("%s=%s leads to no driver manifest", variable, quote.Name(m.env(variable))),
			Remedy: fmt.Sprintf("correct or unset %s: the loader reads what it names and nothing else", variable)})
	} else if len(list) == 0 {
		found = append(found, Finding{Harmless: true, Problem: "no Vulkan driver is installed: no manifest lies in " + strings.Join(m.folders(), ", "), Remedy: m.install(ctx)})
	}
	return found
}

// install says how a driver comes to this machine.
func (m Machine) install(ctx context.Context) string {
	if m.inContainer(ctx) {
		return "in a container: for AMD and Intel install mesa-vulkan-drivers in the image and start it with --device /dev/dri; " +
			"for NVIDIA start it with --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all, which wants nvidia-container-toolkit on the host"
	}
	return "for AMD and Intel apt-get install mesa-vulkan-drivers, which also has a software device; for NVIDIA its own driver (Debian: nvidia-vulkan-icd)"
}

// driversFiltered finds variables that leave drivers out.
func driversFiltered(_ context.Context, m Machine) []Finding {
	var found []Finding
	for _, variable := range []string{"VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"} {
		if value := m.env(variable); value != "" {
			found = append(found, Finding{Harmless: true, Problem: fmt.Sprintf("%s=%s leaves drivers out", variable, quote.Name(value)), Remedy: "unset it"})
		}
	}
	return found
}

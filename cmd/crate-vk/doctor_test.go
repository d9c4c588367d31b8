package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/engine/drivers"
)

// setUp is a machine that a test makes up.
type setUp struct {
	files   []string          // "path text"
	missing map[string]string // libraries that don't load, and the linker's words
	closed  error             // of nodes
	env     map[string]string
	devices []deviceRow // that Vulkan lists
	want    []string    // state, and words of the finding and its remedy
}

// setUps are the six that people meet first.
func setUps() map[string]setUp {
	const card, manifest, library = "/dev/dri/renderD128 ", "/usr/share/vulkan/icd.d/radeon_icd.json ", "/usr/lib/libvulkan_radeon.so \x7fELF\x02"
	const bus = "/sys/bus/pci/devices/0000:03:00.0/"
	amd := []string{card, bus + "vendor 0x1002", bus + "class 0x030000", manifest + `{"ICD": {"library_path": "/usr/lib/libvulkan_radeon.so"}}`, library}
	software := deviceRow{Name: "llvmpipe", Type: software}
	gone := "libvulkan.so.1: cannot open shared object file: No such file or directory"
	return map[string]setUp{
		"no loader": {files: amd, missing: map[string]string{"libvulkan.so.1": gone, "libvulkan.so": gone}, want: []string{stateBad, "libvulkan.so.1", "apt-get install libvulkan1"}},
		"no driver": {files: []string{card, bus + "vendor 0x1002", bus + "class 0x030000"}, want: []string{stateBad, "no manifest", "mesa-vulkan-drivers"}},
		"a driver without its libraries": {files: amd, missing: map[string]string{"libvulkan_radeon.so": "libLLVM.so.19: cannot open shared object file: No such file or directory"},
			want: []string{stateBad, "libLLVM.so.19", "the package that has"}},
		"no permission": {files: append([]string{"/etc/group render:x:105:\n"}, amd...), closed: syscall.EACCES, devices: []deviceRow{software},
			want: []string{stateNote, "may not open it", "usermod -aG render $USER"}},
		"an NVIDIA container without graphics": {files: []string{"/dev/nvidiactl ", "/dev/nvidia0 ", "/.dockerenv ", bus + "vendor 0x10de", bus + "class 0x030200", "/usr/share/vulkan/icd.d/lvp_icd.json " + `{"ICD": {"library_path": "libvulkan_lvp.so"}}`},
			env: map[string]string{"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}, devices: []deviceRow{software}, want: []string{stateNote, `is "compute,utility"`, "NVIDIA_DRIVER_CAPABILITIES=all"}},
		"a software device alone": {files: []string{"/usr/share/vulkan/icd.d/lvp_icd.json " + `{"ICD": {"library_path": "libvulkan_lvp.so"}}`}, devices: []deviceRow{software},
			want: []string{stateNote, "computes on a software device", "this system shows no GPU"}},
	}
}

func (x setUp) report(t *testing.T) whyReport {
	t.Helper()
	root := t.TempDir()
	for _, f := range x.files {
		path, text, _ := strings.Cut(f, " ")
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := drivers.Machine{System: "linux", Root: root, Getenv: func(name string) string { return x.env[name] }, Use: func(string) error { return x.closed },
		Load: func(_ context.Context, library string) error {
			if words := x.missing[filepath.Base(library)]; words != "" {
				return errors.New(words)
			}
			return nil
		}}
	soon, cancel := context.WithTimeout(t.Context(), whyPatience)
	defer cancel()
	return whyReport{Devices: x.devices, Findings: standing(m.Check(soon), false, len(x.devices) > 0), machine: m.HasGPU(soon)}
}

// TestSetUps: what is wrong with each is named by doctor, with what to do, in the time that
// devices --why has for it.
func TestSetUps(t *testing.T) {
	for name, x := range setUps() {
		var text []string
		states := map[string]bool{}
		for _, row := range driverRows(x.report(t)) {
			text = append(text, row.Found+" "+row.Remedy)
			states[row.State] = true
			if row.State == stateBad && row.code != cli.ExitDevice {
				t.Errorf("%s: exit code %d", name, row.code)
			}
		}
		all := strings.Join(text, "\n")
		if states[stateBad] != (x.want[0] == stateBad) {
			t.Errorf("%s: states %v, want %s", name, states, x.want[0])
		}
		for _, word := range x.want[1:] {
			if !strings.Contains(all, word) {
				t.Errorf("%s: want %q in\n%s", name, word, all)
			}
		}
	}
}

// TestDoctor: the rows of this machine, in words and as JSON; the exit code is the worst row's.
func TestDoctor(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	doctor := func(args ...string) (int, string) {
		var out, log bytes.Buffer
		code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, append([]string{"doctor"}, args...))
		return code, out.String()
	}
	want := cli.ExitOK
	if len(vulkanDevices()) == 0 {
		want = cli.ExitDevice
	}
	code, out := doctor()
	if code != want || !strings.Contains(out, "To report a fault send this") {
		t.Errorf("exit %d, want %d\n%s", code, want, out)
	}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 && strings.Contains(out, home+"/") {
		t.Errorf("it names the home folder\n%s", out)
	}
	code, out = doctor("--json", "--device", "cpu")
	var rows []doctorCheck
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) < 5 || code != want {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if last := rows[len(rows)-1]; last.Check != "self-test" || last.State != stateOK || !strings.Contains(last.Found, "off the reference by 0.0e+00") {
		t.Errorf("the interpreter's self-test is %+v", last)
	}
	if want == cli.ExitOK {
		if code, out := doctor("--device", "cpu", "--model", "doctor_test.go"); code != cli.ExitModel || !strings.Contains(out, stateBad+"   model ") {
			t.Errorf("of a model that is none: exit %d\n%s", code, out)
		}
	}
}

// TestCacheRow: a folder that can't be made is told with what to do.
func TestCacheRow(t *testing.T) {
	dir := t.TempDir()
	if row := cacheRow(filepath.Join(dir, "new")); row.State != stateOK || !strings.HasSuffix(row.Found, "new: 0 files, 0.0 MB") {
		t.Errorf("a new folder: %+v", row)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", filepath.Join(file, "below")} {
		if row := cacheRow(bad); row.State != stateNote || row.Remedy == "" {
			t.Errorf("%q: %+v", bad, row)
		}
	}
}

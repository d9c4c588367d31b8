//go:build linux

package devicetest

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// faking is the layer of the folder fake.
var faking = layerSource{folder: "fake", name: "fake", about: "reports another device", functions: [2]string{"crateFakeInstanceProc", "crateFakeDeviceProc"}}

// Fake is a software device that reports what another one reports.
type Fake struct {
	Profile  string
	breaches string // the file of them
}

// Profiles are the names of the devices that UseFake knows: one a text in
// fake/profiles.
func Profiles(t *testing.T) []string {
	t.Helper()
	files, err := layerSources.ReadDir("fake/profiles")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	return names
}

// RefusedProfiles are the devices that can't run the engine, and why.
var RefusedProfiles = map[string]string{
	"vk10":         "has Vulkan 1.0.0, and 1.1 is needed",
	"min11-strict": "binds at most 4 storage buffers to a kernel, and 6 are needed",
}

// UseFake shows one device to what the test opens from then on, which is a software
// device and reports what the profile says, with some lines of the test's own in place
// of the profile's. Nothing may be open. At its end the test fails with each call that
// the device of the profile would not have allowed.
func UseFake(t *testing.T, profile string, own ...string) *Fake {
	t.Helper()
	faking.use(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "profile")
	if err := os.WriteFile(text, []byte(strings.Join(override(profileLines(t, profile), own), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &Fake{profile, filepath.Join(dir, "breaches")}
	t.Setenv("CRATE_VK_TEST_PROFILE", text)
	t.Setenv("CRATE_VK_TEST_BREACHES", f.breaches)
	t.Cleanup(func() {
		for _, b := range f.Breaches(t) {
			t.Errorf("%s: %s", profile, b)
		}
	})
	return f
}

// Breaches takes what was noted since the last call.
func (f *Fake) Breaches(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(f.breaches)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		err = os.Remove(f.breaches)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(bytes.TrimSpace(text)), "\n")
}

// profileLines are those of a profile, and of the one that it is like where it has none
// of that key itself.
func profileLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := layerSources.ReadFile("fake/profiles/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	var like []string
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if base, ok := strings.CutPrefix(lines[0], "like "); ok {
		like, lines = profileLines(t, base), lines[1:]
	}
	return override(like, lines)
}

// override puts lines in the place of those that have the same keys.
func override(lines, with []string) []string {
	key := func(line string) string {
		k, _, _ := strings.Cut(line, " ")
		return k
	}
	kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return slices.ContainsFunc(with, func(w string) bool { return key(w) == key(line) })
	})
	return append(kept, with...)
}

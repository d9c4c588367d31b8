package shaders

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestManifest holds the manifest against the SPIR-V of every variant, and each
// kernel's module against the manifest's row of every other kernel.
func TestManifest(t *testing.T) {
	for _, k := range Manifest() {
		for _, v := range k.Variants {
			name := v.Name
			code, err := SPIRV(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckModule(name, code); err != nil {
				t.Error(err)
			}
			for _, other := range Manifest() {
				same := slices.Equal(kinds(k.Push), kinds(other.Push)) && slices.Equal(kinds(k.Spec), kinds(other.Spec)) && len(k.Bindings) == len(other.Bindings)
				if err := CheckModule(other.Variants[0].Name, code); err == nil && !same {
					t.Errorf("the module of %s passes for %s", name, other.Name)
				}
			}
		}
	}
}

// TestCheckModule: modules that are none, end early or differ from the row.
func TestCheckModule(t *testing.T) {
	code, err := SPIRV("linear_tiles")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := SPIRV("embed")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code []byte
		want string
	}{
		{"linear_tiles", nil, "kernel linear_tiles: no SPIR-V"},
		{"linear_tiles", code[:18], "kernel linear_tiles: no SPIR-V"},
		{"linear_tiles", code[:20], "kernel linear_tiles: the module has 0 bindings, want 5"},
		{"linear_tiles", code[:24], "kernel linear_tiles: no SPIR-V: the instruction at byte 20 has no end"},
		{"linear_tiles.f16", code, "kernel linear_tiles.f16: binding 0 of the module is a read buffer of vec4 f32, want x, a read buffer of vec4 f16"},
		{"linear_lanes.texel", code, "kernel linear_lanes.texel: binding 0 of the module is a read buffer of vec4 f32, want x, a texel buffer"},
		{"pixel_patches", plain, "kernel pixel_patches: the module has"},
		{"nothing", code, `no kernel "nothing"`},
	} {
		if err := CheckModule(c.name, c.code); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// FuzzCheckModule: no bytes may end the process.
func FuzzCheckModule(f *testing.F) {
	code, err := SPIRV("embed")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(code)
	f.Fuzz(func(t *testing.T, code []byte) { _ = CheckModule("embed", code) })
}

// TestHeaders: each source begins with its contract, which names every
// binding, constant and the oracle.
func TestHeaders(t *testing.T) {
	for _, k := range Manifest() {
		text, err := os.ReadFile(k.Name + ".comp")
		if err != nil {
			t.Error(err)
			continue
		}
		head, _, _ := strings.Cut(string(text), "#include")
		head, _, _ = strings.Cut(head, "#extension")
		for i, b := range k.Bindings {
			dir := map[Access]string{Read: "in", Write: "out"}[b.Access]
			if !regexp.MustCompile(fmt.Sprintf(`(?m)^//   b%d %-3s +%s\b`, i, dir, b.Name)).MatchString(head) {
				t.Errorf("%s.comp: the header has no line for b%d %s %s", k.Name, i, dir, b.Name)
			}
		}
		for _, c := range append(slices.Clone(k.Push), k.Spec...) {
			name := strings.TrimRight(c.Name, "_0123456789")
			if !strings.Contains(head, name) {
				t.Errorf("%s.comp: the header does not name %s", k.Name, c.Name)
			}
		}
		for _, word := range []string{"//   grid ", "//   loops ", "//   oracle "} {
			if !strings.Contains(head, word) {
				t.Errorf("%s.comp: the header has no line %q", k.Name, strings.TrimSpace(word))
			}
		}
	}
}

// TestDeclarations compares the names of constants, which optimised SPIR-V does
// not keep, with the sources: push constants in order, specialization constants
// by id.
func TestDeclarations(t *testing.T) {
	kinds := map[string]Kind{"uint": U32, "float": F32, "bool": Bool}
	block := regexp.MustCompile(`(?s)uniform Push \{(.*?)\} p;`)
	decl := regexp.MustCompile(`(uint|float)\s+([^;]*);`)
	spec := regexp.MustCompile(`layout\(constant_id = (\d+)\) const (\w+) (\w+)`)
	for _, k := range Manifest() {
		text, err := os.ReadFile(k.Name + ".comp")
		if err != nil {
			t.Fatal(err)
		}
		var push []Const
		if b := block.FindSubmatch(text); b != nil {
			for _, d := range decl.FindAllSubmatch(b[1], -1) {
				for name := range strings.SplitSeq(string(d[2]), ",") {
					push = append(push, Const{strings.TrimSpace(name), kinds[string(d[1])]})
				}
			}
		}
		if !slices.Equal(push, k.Push) {
			t.Errorf("%s.comp declares push constants %v, the manifest has %v", k.Name, push, k.Push)
		}
		got := make([]Const, len(k.Spec))
		for _, d := range spec.FindAllSubmatch(text, -1) {
			var id int
			fmt.Sscan(string(d[1]), &id)
			if id < len(got) {
				got[id] = Const{string(d[3]), kinds[string(d[2])]}
			}
		}
		if !slices.Equal(got, k.Spec) {
			t.Errorf("%s.comp declares specialization constants %v, the manifest has %v", k.Name, got, k.Spec)
		}
	}
}

// TestNoStrays: every source belongs to a kernel.
func TestNoStrays(t *testing.T) {
	files, err := filepath.Glob("*.comp")
	if err != nil {
		t.Fatal(err)
	}
	view, err := filepath.Glob("view/*.comp")
	if err != nil {
		t.Fatal(err)
	}
	if viewKernels() != nil { // the build tag viewer
		files = append(files, view...)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.ToSlash(f), ".comp")
		if !slices.ContainsFunc(Manifest(), func(k *Kernel) bool { return k.Name == name }) {
			t.Errorf("%s is in no row of the manifest", f)
		}
	}
}

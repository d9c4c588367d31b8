package vk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
)

// TestVectorBitsAreChecked: other widths are refused. With 7 bits llvmpipe reports
// subgroups of 0 invocations, which planning divides by.
func TestVectorBitsAreChecked(t *testing.T) {
	for _, bits := range []int{-128, 1, 7, 64, 384, 1024} {
		inst, err := vk.Open(vk.Options{VectorBits: bits})
		if err == nil {
			inst.Close()
		}
		if err == nil || errors.Is(err, vk.ErrNoLoader) || !strings.Contains(err.Error(), "want 128, 256 or 512") {
			t.Errorf("%d bits: got %v", bits, err)
		}
	}
}

// TestConflict opens Vulkan several times, in a process of its own: the first
// one decides about the vectors' width, and what is open about validation.
func TestConflict(t *testing.T) {
	const variable = "CRATE_VK_TEST_CONFLICT"
	if os.Getenv(variable) == "" {
		devicetest.Open(t, nil)
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		for _, c := range []string{"same", "free", "user", "failed", "validation"} {
			if out := again(t, variable+"="+c, "LP_NATIVE_VECTOR_WIDTH="+map[bool]string{true: "128"}[c == "user"], "MESA_SHADER_CACHE_DIR="); !strings.Contains(out, "--- PASS: TestConflict") {
				t.Errorf("%s: %s", c, out)
			}
		}
		return
	}
	switch os.Getenv(variable) {
	case "same":
		defer open(t, 128, 128).Close()
		open(t, 128, 128).Close()
		open(t, 0, 128).Close()
		conflict(t, vk.Options{VectorBits: 256}, "256 bits are asked for, and the process has loaded its drivers with 128")
	case "free":
		open(t, 0, 0).Close()
		conflict(t, vk.Options{VectorBits: 256}, "with their own choice")
		open(t, 0, 0).Close()
	case "user":
		defer open(t, 256, 0).Close()
		open(t, 512, 0).Close()
	case "failed": // before a driver is loaded another width may be asked for
		faults := vk.NewFaults()
		defer faults.Free()
		faults.Set(0, vk.OutOfHostMemory)
		if _, err := vk.Open(vk.Options{VectorBits: 256, Faults: faults}); !errors.Is(err, vk.ErrOutOfMemory) {
			t.Fatalf("got %v", err)
		}
		if n := vk.VectorBits(); n != 0 || os.Getenv("LP_NATIVE_VECTOR_WIDTH") != "" || os.Getenv("MESA_SHADER_CACHE_DIR") != "" {
			t.Errorf("a failed Open leaves %d bits", n)
		}
		open(t, 128, 128).Close()
	case "validation":
		inst, err := vk.Open(vk.Options{Validation: true})
		if err != nil {
			t.Logf("NOT TESTED WITH VALIDATION: %v", err)
		} else {
			validated(t, inst, true)
			other, err := vk.Open(vk.Options{})
			if err != nil {
				t.Fatal(err)
			}
			validated(t, other, true)
			other.Close()
			inst.Close()
		}
		inst = open(t, 0, 0)
		defer inst.Close()
		validated(t, inst, false)
		conflict(t, vk.Options{Validation: true}, "already uses Vulkan without it")
	}
}

// TestCacheFolder opens Vulkan where the user's cache folder does not exist yet, and
// where none can be made: Mesa finds its own, which nobody else can write, or is told
// to keep nothing, and complains in neither case.
func TestCacheFolder(t *testing.T) {
	const variable = "CRATE_VK_TEST_CACHE"
	if os.Getenv(variable) != "" {
		inst := open(t, 128, 128)
		defer inst.Close()
		if _, err := inst.Devices(); err != nil {
			t.Fatal(err)
		}
		return
	}
	devicetest.Open(t, nil)
	base := t.TempDir()
	home := filepath.Join(base, "not", "there")
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{home, filepath.Join(file, "below")} {
		if out := again(t, variable+"=1", "XDG_CACHE_HOME="+dir, "LP_NATIVE_VECTOR_WIDTH=", "MESA_SHADER_CACHE_DIR="); !strings.Contains(out, "--- PASS") || strings.Contains(out, "Failed to create") {
			t.Errorf("%s: %s", dir, out)
		}
	}
	info, err := os.Stat(filepath.Join(home, "crate-vk", "mesa-128"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
}

// open opens Vulkan and wants what VectorBits says afterwards.
func open(t *testing.T, bits, want int) *vk.Instance {
	t.Helper()
	inst, err := vk.Open(vk.Options{VectorBits: bits})
	if err != nil {
		t.Fatal(err)
	}
	if n := vk.VectorBits(); n != want {
		t.Errorf("after asking for %d bits there are %d, want %d", bits, n, want)
	}
	return inst
}

func conflict(t *testing.T, opt vk.Options, text string) {
	t.Helper()
	inst, err := vk.Open(opt)
	if err == nil {
		inst.Close()
	}
	if !errors.Is(err, vk.ErrConflict) || !strings.Contains(err.Error(), text) {
		t.Errorf("%+v: got %v, want a conflict: %s", opt, err, text)
	}
}

// validated wants all devices of an instance to say whether they are validated.
func validated(t *testing.T, inst *vk.Instance, want bool) {
	t.Helper()
	infos, err := inst.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if got := run.Describe(info).Validation; got != want {
			t.Errorf("%s: Validation is %t, want %t", info.Name, got, want)
		}
	}
}

package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// TestCycles opens a device, loads a model, runs it and closes all, many times:
// memory, threads, files and goroutines stay what they were after the first
// cycles. It does so in a process of its own with one arena of malloc's, as glibc
// keeps one for each thread, and what a driver has freed in one of them is not
// given back to the system.
func TestCycles(t *testing.T) {
	const variable, slowVariable = "CRATE_VK_TEST_CYCLES", "CRATE_VK_TEST_CYCLES_SLOW"
	if selector := os.Getenv(variable); selector != "" {
		cycles(t, selector, os.Getenv(slowVariable) != "")
		return
	}
	if testing.Short() {
		t.Skip("forty cycles take half a minute")
	}
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: the figures are read from /proc")
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestCycles$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=uuid:"+info.UUID, "MALLOC_ARENA_MAX=1")
		if strings.HasPrefix(info.Name, "SwiftShader") {
			cmd.Env = append(cmd.Env, slowVariable+"=1")
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestCycles")) {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func cycles(t *testing.T, selector string, slow bool) {
	ctx := context.Background()
	img, _, err := picture.DecodeFile(ctx, "../testdata/demo/samples/images/01-fish.png", picture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cycle := func() {
		e, err := Open(ctx, WithDevice(selector), withoutSelfTest())
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		src, err := OpenModelBytes(demo.Name, demo.Safetensors, ModelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Load(ctx, src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Segment(ctx, img); err != nil {
			t.Fatal(err)
		}
	}
	warm, more := 15, 25
	if slow {
		warm, more = 5, 10
	}
	for range warm {
		cycle()
	}
	before := processFigures(t)
	for range more {
		cycle()
	}
	after := processFigures(t)
	t.Logf("after %d cycles %v, after %d more %v", warm, before, more, after)
	for name, slack := range map[string]int{"kB": 500 * more, "threads": 8, "files": 4, "goroutines": 2} {
		if after[name] > before[name]+slack {
			t.Errorf("%s: %d after %d cycles, %d after %d more", name, before[name], warm, after[name], more)
		}
	}
}

// processFigures are what this process holds of the system.
func processFigures(t *testing.T) map[string]int {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	f := map[string]int{"goroutines": runtime.NumGoroutine()}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var kb int
			if _, err := fmt.Sscan(size, &kb); err != nil {
				t.Fatal(err)
			}
			f["kB"] = kb
		}
	}
	threads, _ := filepath.Glob("/proc/self/task/*")
	f["threads"] = len(threads)
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		// SwiftShader leaves one behind each time that it is loaded and compiles.
		if to, err := os.Readlink(file); err == nil && !strings.Contains(to, "swiftshader_jit") {
			f["files"]++
		}
	}
	return f
}

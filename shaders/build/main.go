// Command build compiles the kernels: every variant of the manifest through
// glslc with optimisation, checked by spirv-val, into shaders/spv. With -check
// it writes nothing and fails where the committed code differs from a rebuild.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/crate-vk/crate-vk/shaders"
)

func main() {
	dir := flag.String("dir", "shaders", "folder of the .comp files")
	check := flag.Bool("check", false, "compare with the committed SPIR-V instead of writing it")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	tmp, err := os.MkdirTemp("", "spv")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	want := map[string]bool{}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad []string
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		bad = append(bad, fmt.Sprintf(format, args...))
	}
	for _, k := range shaders.Manifest() {
		for _, v := range k.Variants {
			name := v.Name
			want[name+".spv"] = true
			wg.Go(func() {
				code, err := compile(dir, tmp, k.Name, name, v.Defines)
				if err != nil {
					fail("%v", err)
					return
				}
				path := filepath.Join(dir, "spv", name+".spv")
				old, _ := os.ReadFile(path)
				if bytes.Equal(old, code) {
					return
				}
				if check {
					fail("%s differs from a rebuild: run make shaders", path)
				} else if err := os.WriteFile(path, code, 0o644); err != nil {
					fail("%v", err)
				}
			})
		}
	}
	wg.Wait()
	stale, err := filepath.Glob(filepath.Join(dir, "spv", "*.spv"))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if want[filepath.Base(path)] {
			continue
		}
		if check {
			fail("%s belongs to no kernel: run make shaders", path)
		} else if err := os.Remove(path); err != nil {
			fail("%v", err)
		}
	}
	if bad != nil {
		return fmt.Errorf("%s", strings.Join(bad, "\n"))
	}
	fmt.Printf("%d kernel variants\n", len(want))
	return nil
}

func compile(dir, tmp, source, name string, defines []string) ([]byte, error) {
	out := filepath.Join(tmp, name+".spv")
	args := []string{"--target-env=vulkan1.1", "-O", "-Werror", "-I" + dir}
	for _, d := range defines {
		args = append(args, "-D"+d)
	}
	args = append(args, "-o", out, filepath.Join(dir, source+".comp"))
	if msg, err := exec.Command("glslc", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("glslc %s: %v\n%s", name, err, msg)
	}
	if msg, err := exec.Command("spirv-val", "--target-env", "vulkan1.1", out).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("spirv-val %s: %v\n%s", name, err, msg)
	}
	return os.ReadFile(out)
}

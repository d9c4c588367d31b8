// Command build compiles the kernels: every variant of the manifest through
// glslc with optimisation, checked by spirv-val, into shaders/spv. With -check
// it writes nothing and fails where the committed code differs from a rebuild.
//
// Kernels with cooperative matrices need a compiler that knows them, which Debian 12's does
// not. They are compiled by the one in the Debian tree that make vendors makes (-tree), and
// left as they are, with a word, where there is none.
//
// The kernels of the window are in the manifest with the build tag viewer alone: run it with
// -tags viewer.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/crate-vk/crate-vk/shaders"
)

func main() {
	dir := flag.String("dir", "shaders", "folder of the .comp files")
	check := flag.Bool("check", false, "compare with the committed SPIR-V instead of writing it")
	tree := flag.String("tree", "", "the Debian tree of make vendors, for kernels with cooperative matrices")
	flag.Parse()
	if err := run(*dir, *tree, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, tree string, check bool) error {
	here, newer := &compiler{}, treeCompiler(tree)
	tmp, err := os.MkdirTemp("", "spv")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Mkdir(filepath.Join(tmp, "view"), 0o700); err != nil {
		return err
	}
	want := map[string]bool{}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad []string
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		bad = append(bad, fmt.Sprintf(format, args...))
	}
	var left []string
	for _, k := range shaders.Manifest() {
		for _, v := range k.Variants {
			name, with := v.Name, here
			want[name+".spv"] = true
			if k.Matrices {
				if with = newer; with == nil {
					left = append(left, name)
					continue
				}
			}
			wg.Go(func() {
				code, err := with.compile(dir, tmp, k.Name, name, v.Defines)
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
	stale, err := written(filepath.Join(dir, "spv"))
	if err != nil {
		return err
	}
	for _, name := range stale {
		if want[name] {
			continue
		}
		path := filepath.Join(dir, "spv", name)
		if check {
			fail("%s belongs to no kernel: run make shaders", path)
		} else if err := os.Remove(path); err != nil {
			fail("%v", err)
		}
	}
	if bad != nil {
		return fmt.Errorf("%s", strings.Join(bad, "\n"))
	}
	fmt.Printf("%d kernel variants\n", len(want)-len(left))
	if left != nil {
		fmt.Printf("left as they are: %s, as %s\n", strings.Join(left, ", "), lacks(tree))
	}
	return nil
}

// written are the modules in the folder and in its folder view, by their path there.
func written(spv string) (names []string, err error) {
	for _, pattern := range []string{"*.spv", "view/*.spv"} {
		paths, err := filepath.Glob(filepath.Join(spv, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			name, err := filepath.Rel(spv, path)
			if err != nil {
				return nil, err
			}
			names = append(names, filepath.ToSlash(name))
		}
	}
	return names, nil
}

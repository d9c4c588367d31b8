package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// compiler runs glslc and spirv-val: those of this machine, or of a Debian tree.
type compiler struct {
	tree   string // "": this machine's
	linker string // of the tree, which starts programs without entering it
}

// treeCompiler is the compiler of a tree, nil where the tree has none.
func treeCompiler(tree string) *compiler {
	linkers, err := filepath.Glob(filepath.Join(tree, "usr/lib/*-linux-gnu/ld-linux-*.so.*"))
	if tree == "" || err != nil || len(linkers) == 0 {
		return nil
	}
	for _, program := range []string{"glslc", "spirv-val"} {
		if _, err := os.Stat(filepath.Join(tree, "usr/bin", program)); err != nil {
			return nil
		}
	}
	return &compiler{tree, linkers[0]}
}

// lacks says why kernels with cooperative matrices are not compiled.
func lacks(tree string) string {
	if tree == "" {
		return "this machine's glslc need not know cooperative matrices, and -tree names no other"
	}
	return fmt.Sprintf("this machine's glslc need not know cooperative matrices, and %s, which make vendors makes, has no newer one", tree)
}

func (c *compiler) run(program string, args ...string) ([]byte, error) {
	if c.tree != "" {
		args = append([]string{"--library-path", filepath.Dir(c.linker), filepath.Join(c.tree, "usr/bin", program)}, args...)
		program = c.linker
	}
	return exec.Command(program, args...).CombinedOutput()
}

// compile makes a variant's SPIR-V, which the validator accepts.
func (c *compiler) compile(dir, tmp, source, name string, defines []string) ([]byte, error) {
	out := filepath.Join(tmp, name+".spv")
	args := []string{"--target-env=vulkan1.1", "-O", "-Werror", "-I" + dir}
	for _, d := range defines {
		args = append(args, "-D"+d)
	}
	args = append(args, "-o", out, filepath.Join(dir, source+".comp"))
	if msg, err := c.run("glslc", args...); err != nil {
		return nil, fmt.Errorf("glslc %s: %v\n%s", name, err, msg)
	}
	if msg, err := c.run("spirv-val", "--target-env", "vulkan1.1", out); err != nil {
		return nil, fmt.Errorf("spirv-val %s: %v\n%s", name, err, msg)
	}
	return os.ReadFile(out)
}

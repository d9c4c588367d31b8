package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed tree
var recipe embed.FS

// intelStub is the stub of tree/intel.c, where other vendors' are Debian's.
const intelStub = "intel"

// errNoPackages says that the tree can't be made here as no mirror answers.
var errNoPackages = errors.New("no packages can be had")

// tree is a Debian tree with Mesa's drivers and stub devices.
type tree string

// openTree finds the tree, or makes it: in the folder CRATE_VK_VENDORS, else in the user's
// cache folder. A tree that another recipe made is made anew.
func openTree() (tree, error) {
	dir := os.Getenv("CRATE_VK_VENDORS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "crate-vk", "vendors")
	}
	mark, err := recipeMark()
	if err != nil {
		return "", err
	}
	made := filepath.Join(dir, "work", "recipe")
	if have, err := os.ReadFile(made); err == nil && string(have) == mark {
		return tree(dir), nil
	}
	// What lies there is removed: it has to be a Debian tree.
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 {
		if _, err := os.Stat(filepath.Join(dir, "etc", "debian_version")); err != nil {
			return "", fmt.Errorf("%s is no tree that make vendors made: name another folder with CRATE_VK_VENDORS, or none", dir)
		}
	}
	if err := makeTree(dir); err != nil {
		return "", err
	}
	return tree(dir), os.WriteFile(made, []byte(mark), 0o644)
}

// recipeMark tells recipes apart.
func recipeMark() (string, error) {
	h := sha256.New()
	files, err := recipe.ReadDir("tree")
	if err != nil {
		return "", err
	}
	for _, f := range files {
		text, err := recipe.ReadFile("tree/" + f.Name())
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	return fmt.Sprintf("%x\n", h.Sum(nil)), nil
}

func makeTree(dir string) error {
	const noPackages = 75 // exit code of tree/build
	from, err := os.MkdirTemp("", "crate-vk-vendors")
	if err != nil {
		return err
	}
	defer os.RemoveAll(from)
	if err := os.CopyFS(from, recipe); err != nil {
		return err
	}
	fmt.Printf("vendors: making a Debian tree with Mesa's compilers in %s\n", dir)
	began := time.Now()
	cmd := exec.Command("bash", filepath.Join(from, "tree", "build"), dir)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = os.Stdout, &stderr
	err = cmd.Run()
	text := strings.TrimSpace(stderr.String())
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == noPackages:
		return fmt.Errorf("%w: %s", errNoPackages, text)
	case err != nil:
		return fmt.Errorf("%w: %s", err, text)
	}
	fmt.Printf("vendors: made in %.0f s\n", time.Since(began).Seconds())
	return nil
}

// one is the only file that a pattern of the tree names, as a path inside it.
func (t tree) one(pattern string) (string, error) {
	names, err := filepath.Glob(filepath.Join(string(t), pattern))
	if err != nil || len(names) == 0 {
		return "", fmt.Errorf("%s has no %s", t, pattern)
	}
	return strings.TrimPrefix(names[0], string(t)), nil
}

// install copies this program into the tree, where children run it.
func (t tree) install() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	code, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(string(t), "work", "vendors"), code, 0o755)
}

// command runs a program inside the tree, with /proc, which is mounted for it alone.
func (t tree) command(ctx context.Context, env []string, program ...string) *exec.Cmd {
	const enter = `mount --bind /proc "$0/proc" && exec chroot "$0" env "$@"`
	args := append([]string{"--mount", "sh", "-c", enter, string(t)}, env...)
	return exec.CommandContext(ctx, "unshare", append(args, program...)...)
}

// environment makes the driver of a target find its stub, and nothing else.
func (t tree) environment(of target) ([]string, error) {
	icd, err := t.one("usr/share/vulkan/icd.d/" + of.driver.icd + "_icd*.json")
	if err != nil {
		return nil, err
	}
	pattern := "usr/lib/*/lib" + of.stub + "_noop_drm_shim.so"
	if of.stub == intelStub {
		pattern = "root/intel.so"
	}
	stub, err := t.one(pattern)
	if err != nil {
		return nil, err
	}
	env := []string{"LC_ALL=C", "HOME=/tmp", "NODEVICE_SELECT=1", "MESA_SHADER_CACHE_DISABLE=1", "VK_DRIVER_FILES=" + icd, "VK_ICD_FILENAMES=" + icd, "LD_PRELOAD=" + stub}
	if of.env != "" {
		env = append(env, of.env)
	}
	return env, nil
}

// childLimit bounds one target's compiling.
const childLimit = 20 * time.Minute

// ask has a child compile for a target.
func (t tree) ask(of target, only string) (*answer, error) {
	env, err := t.environment(of)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), childLimit)
	defer cancel()
	cmd := t.command(ctx, env, "/work/vendors", "-child", of.name, "-only", only)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", of.name, err, lastLine(stderr.String()))
	}
	a := &answer{}
	return a, json.Unmarshal(out, a)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

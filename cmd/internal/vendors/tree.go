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

// command runs this program inside the tree, with /proc and the program's own folder, which
// are mounted for it alone.
func (t tree) command(ctx context.Context, env []string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	const enter = `mount --bind /proc "$0/proc" && mount --bind "$1" "$0/work" && shift && exec chroot "$0" env "$@"`
	all := append([]string{"--mount", "sh", "-c", enter, string(t), filepath.Dir(self)}, env...)
	return exec.CommandContext(ctx, "unshare", append(append(all, "/work/"+filepath.Base(self)), args...)...), nil
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
	env := []string{"LC_ALL=C", "HOME=/tmp", "NODEVICE_SELECT=1", "MESA_SHADER_CACHE_DISABLE=1", "VK_DRIVER_FILES=" + icd, "VK_ICD_FILENAMES=" + icd}
	if of.driver.prints {
		// By coreutils' library every line is written at once, not when a buffer is full.
		lines, err := t.one("usr/libexec/coreutils/libstdbuf.so")
		if err != nil {
			return nil, err
		}
		stub += ":" + lines
		env = append(append(env, "_STDBUF_O=L"), of.driver.env...)
	}
	env = append(env, "LD_PRELOAD="+stub)
	if of.env != "" {
		env = append(env, of.env)
	}
	return env, nil
}

// childLimit bounds one target's compiling.
const childLimit = 20 * time.Minute

// ask has a child compile for a target. Its standard output is a file that it can read, too,
// and its answer comes through a pipe.
func (t tree) ask(of target, q question) (*answer, error) {
	q.Target = of.name
	env, err := t.environment(of)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), childLimit)
	defer cancel()
	cmd, err := t.command(ctx, env, "-child", string(text))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "crate-vk-vendors")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// To append is to write at the end also after the child has emptied the file.
	printed, err := os.OpenFile(filepath.Join(dir, "printed"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer printed.Close()
	a := &answer{}
	return a, a.receive(cmd, printed, of.name)
}

// receive runs a child and reads its answer.
func (a *answer) receive(cmd *exec.Cmd, printed *os.File, name string) error {
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer from.Close()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = printed, &stderr, []*os.File{to}
	err = cmd.Start()
	to.Close()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	bad := json.NewDecoder(from).Decode(a)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, lastLine(stderr.String()))
	}
	return bad
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

//go:build viewer && cgo

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScreenshots: what a command line asks of a screenshot is done, or refused with the exit
// code and the name of what is wrong. Where it is refused no file is there.
func TestScreenshots(t *testing.T) {
	need(t)
	path, err := program()
	if err != nil {
		t.Fatal(err, path)
	}
	fish, err := filepath.Abs(samples + "01-fish.png")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"script": "shot s.png\nwait\n", "bad.png": "\x89PNG\r\n\x1a\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		said string
	}{
		{"--screenshot a.png " + fish, 0, ""},
		{"--screenshot b.png " + fish + " missing.png", 3, "missing.png: no such file or directory"},
		{"--screenshot c.png " + fish + " bad.png", 0, "of 2 images the screenshot shows the first, " + fish},
		{"--screenshot d.png bad.png", 3, "bad.png: "},
		{"--screenshot x.jpg " + fish, 2, "--screenshot is x.jpg, want a name that ends in .png"},
		{"--screenshot bad.png bad.png", 2, "bad.png is an input: name another output"},
		{"--screenshot x.png --window 16384x16384 " + fish, 1, "window: the picture needs a buffer of 1073741824 bytes"},
		{"--screenshot x.png --at 128,5 " + fish, 2, "--at 128,5 is outside an image of 128 × 128 pixels"},
		{"--screenshot x.png", 2, "--screenshot shows an image: name one, or a folder"},
		{"--screenshot x.png missing.png", 2, "no images found in missing.png"},
		{"--screenshot x.png --layer x " + fish, 2, "--layer \"x\""},
		{"--screenshot x.png --refine x " + fish, 2, "--refine is \"x\", want none, guided or crf"},
		{"--screenshot x.png --opacity= " + fish, 2, "--opacity is \"\", want 0 to 1"},
		{"--screenshot x.png --opacity 2 " + fish, 2, "--opacity is 2, want 0 to 1"},
		{"--screenshot x.png --device cpu " + fish, 2, "--device cpu, the interpreter, has no window"},
		{"--screenshot e.png --script script " + fish, 0, ""},
		{"--screenshot x.png /dev/zero", 2, "/dev/zero: a device, want a regular file\n"},
	} {
		args := strings.Fields(c.args)
		if !strings.Contains(c.args, "--device") {
			args = append(args, "--device", "llvmpipe")
		}
		cmd := exec.Command(path, args...)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cacheFolder(), "DISPLAY=")
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.said) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, code, c.code, c.said, out)
		}
	}
	if left, _ := filepath.Glob("*.png"); strings.Join(left, " ") != "a.png b.png bad.png c.png d.png e.png s.png" {
		t.Errorf("there are %v", left)
	}
}

// TestNoDisplay: without a display there is one line, and exit code 4.
func TestNoDisplay(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err, path)
	}
	for _, display := range []string{"", ":4242"} {
		cmd := exec.Command(path, samples)
		// glibc keeps holes that images of other sizes leave; blocks of their own go back to the system.
		cmd.Env = append(os.Environ(), "MALLOC_MMAP_THRESHOLD_=100000", "DISPLAY="+display)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 4 || strings.Count(string(out), "\n") != 1 || !strings.HasPrefix(string(out), name+": no window can be opened: ") {
			t.Errorf("DISPLAY=%q: %v\n%s", display, err, out)
		}
	}
}

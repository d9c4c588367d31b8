package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestDiskFull: a disk that is full is an error, no name has a part of a file, and
// with room again the run is completed.
func TestDiskFull(t *testing.T) {
	dir := samples(t, 3)
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", out, "tmpfs", 0, "size=24k"); err != nil {
		t.Skip("only root mounts (the disk's errors are in TestFailures of outputs, too):", err)
	}
	defer syscall.Unmount(out, 0)
	args := []string{"segment", "-d", runDevice, "--no-cache", "--format", runFormats, "in", "-o"}
	spawn(t, dir, append(args, "whole")...).want(cli.ExitOK)
	want := everything(t, filepath.Join(dir, "whole"))
	spawn(t, dir, append(args, "out")...).want(cli.ExitFailed, "no space left on device")
	for name, data := range everything(t, out) {
		if !strings.HasPrefix(name, ".") && data != want[name] {
			t.Errorf("%s has %d bytes, want %d", name, len(data), len(want[name]))
		}
	}
	if err := syscall.Mount("", out, "", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	spawn(t, dir, append(args, "out")...).want(cli.ExitOK)
	same(t, "with room again", everything(t, out), want)
	if err := syscall.Mount("", out, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	spawn(t, dir, append(args, "out")...).want(cli.ExitFailed, "read-only file system")
}

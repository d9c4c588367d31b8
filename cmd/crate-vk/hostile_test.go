//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate/demo"
	"github.com/crate-vk/crate-vk/loader/picture"
)

// TestPlainOutput: whatever a path or a model holds, no command hands a terminal
// anything but text.
func TestPlainOutput(t *testing.T) {
	dir := t.TempDir()
	const escape = "\x1b]0;x\x07\u009b2J\u202e.safetensors"
	model := filepath.Join(dir, escape)
	write(t, model, demo.Safetensors)
	for _, args := range [][]string{
		{"info", model},
		{"info", model + "x"},
		{"segment", "-d", "cpu", filepath.Join(dir, "no\x1b[31m.png")},
		{"segment", "-d", "cpu", "--keep", "\x1b[31m", "x.png"},
		{"eval", "coco", "--truth", filepath.Join(dir, "\x1b[31m")},
		{"\x1b[31mnonsense"},
		{"compile", "--device", "baseline", "--from", model},
		{"convert", model, filepath.Join(dir, "\x1b[31m.safetensors")},
	} {
		var out, log bytes.Buffer
		run(context.Background(), streams{strings.NewReader(""), &out, &log}, args)
		for name, text := range map[string]string{"output": out.String(), "log": log.String()} {
			if strings.ContainsAny(text, "\x1b\x07\u009b\u202e") {
				t.Errorf("crate-vk %q: the %s has %q", args, name, text)
			}
		}
		if out.Len()+log.Len() == 0 {
			t.Errorf("crate-vk %q says nothing", args)
		}
	}
}

// TestSharedCache: with a cache folder that others write to a run goes on, without
// it, and says why.
func TestSharedCache(t *testing.T) {
	if len(vulkanDevices()) == 0 {
		t.Skip("the interpreter caches nothing")
	}
	dir := samples(t, 1)
	cache := filepath.Join(dir, "cache", "crate-vk")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	c := spawn(t, dir, "segment", "-d", "0", "--no-self-test", "--format", "mask", "-o", "out", "in")
	c.Env = append(c.Env, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	if home, err := os.UserHomeDir(); err == nil && os.Getenv("MESA_SHADER_CACHE_DIR") == "" {
		c.Env = append(c.Env, "MESA_SHADER_CACHE_DIR="+filepath.Join(home, ".cache"))
	}
	c.want(cli.ExitOK, "can be written by others (mode 0777)", "1 done")
	if entries, _ := os.ReadDir(cache); len(entries) > 0 {
		t.Errorf("it was used all the same: %v", entries)
	}
}

// TestHeaderFirst: of a big file no more is read than it takes to see that it can't be
// decoded.
func TestHeaderFirst(t *testing.T) {
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	bomb := small.Bytes()
	copy(bomb[16:], "\x00\xff\xff\xff\x00\xff\xff\xff")
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for name, k := range map[string]struct{ head, want string }{
		"zeros.png": {"", "no known picture format"},
		"bomb.png":  {string(bomb), "want at most"},
		"x.heic":    {"\x00\x00\x00\x18ftypheic", "valid, not supported"},
	} {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, []byte(k.head))
		if err := os.Truncate(path, 4*bigFile); err != nil {
			t.Fatal(err)
		}
		one := task{path: path, rel: name}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := one.load(t.Context(), picture.Options{})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), k.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want %s", name, err, k.want)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > bigFile {
			t.Errorf("%s: %d bytes were allocated to refuse %d", name, got, 4*bigFile)
		}
	}
}

// TestFilesAreNamed: a message about what a file holds has its name.
func TestFilesAreNamed(t *testing.T) {
	dir := samples(t, 1)
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("list.txt"), []byte("a\x00b\n"))
	write(t, at("truth.json"), []byte(`{"images": [], "annotations": []}`))
	write(t, at("found.json"), []byte("[]"))
	for _, k := range []struct {
		name string
		args []string
	}{
		{"list.txt", []string{"segment", "-d", "cpu", "--files-from", at("list.txt"), "-o", at("out")}},
		{"truth.json", []string{"eval", "coco", "--truth", at("truth.json"), "--found", at("found.json")}},
	} {
		var out, log bytes.Buffer
		code := run(context.Background(), streams{strings.NewReader(""), &out, &log}, k.args)
		if code != cli.ExitUsage || !strings.Contains(log.String(), k.name) {
			t.Errorf("%q: exit %d, %s", k.args, code, log.String())
		}
	}
}

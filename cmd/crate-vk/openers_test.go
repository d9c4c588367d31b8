//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate/demo"
)

// TestNoHang: whichever file the program reads, a FIFO, a device, a socket, a
// folder, a loop of links or a sparse terabyte in its place is refused at once.
func TestNoHang(t *testing.T) {
	dir := samples(t, 1)
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("model/crate.safetensors"), demo.Safetensors)
	bad := badFiles(t, at("bad"))
	const image, model = "in/01-fish.png", "model/crate.safetensors"
	// %: the bad file. What has its place taken is removed first.
	for _, c := range []struct {
		args  string
		place string // where the bad file has to lie; "": it is named
		code  int
	}{
		{"segment -d cpu -o out %", "", cli.ExitInputs},
		{"classify -d cpu %", "", cli.ExitInputs},
		{"segment -d cpu -o out -m % " + image, "", cli.ExitModel},
		{"info %", "", cli.ExitModel},
		{"convert % new.safetensors", "", cli.ExitModel},
		{"info -m " + model + " --config %", "", cli.ExitModel},
		{"info -m " + model, "model/config.json", cli.ExitModel},
		{"segment -d cpu -o out --files-from %", "", cli.ExitUsage},
		{"classify -d cpu --labels % " + image, "", cli.ExitFailed},
		{"compile --device baseline --from %", "", cli.ExitFailed},
		{"eval coco --truth % --found %", "", cli.ExitUsage},
		{"segment -d cpu -o run " + image, "run/results.jsonl", cli.ExitFailed},
		{"segment -d cpu -o run " + image, "run/.crate-vk.journal", cli.ExitFailed},
		{"segment -d cpu -o run " + image, "run/01-fish.mask.png", cli.ExitUsage},
	} {
		for kind, path := range bad {
			if kind == "a folder" && c.code != cli.ExitFailed && c.code != cli.ExitUsage {
				continue // a folder of images, or of a model, is one
			}
			if c.place != "" {
				os.RemoveAll(filepath.Dir(at("run/x")))
				if err := os.MkdirAll(filepath.Dir(at(c.place)), 0o755); err != nil {
					t.Fatal(err)
				}
				os.Remove(at(c.place))
				if err := os.Symlink(path, at(c.place)); err != nil {
					t.Fatal(err)
				}
			}
			run := spawn(t, dir, strings.Fields(strings.ReplaceAll(c.args, "%", path))...).start()
			if code := run.code(); code != c.code {
				t.Errorf("%s in %q (%s): exit %d, want %d: %s", kind, c.args, c.place, code, c.code, run.log.String())
			}
			if c.place != "" {
				os.Remove(at(c.place))
			}
		}
	}
}

// badFiles makes one of each kind that can't be read, below a folder.
func badFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(at("folder.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{"a device": "/dev/zero", "a folder": at("folder.png"), "a FIFO": at("fifo.png"), "a loop": at("loop.png")}
	if err := syscall.Mkfifo(at("fifo.png"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop.png", at("loop.png")); err != nil {
		t.Fatal(err)
	}
	// A socket's path has to be short.
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	l, err := net.Listen("unix", filepath.Join(short, "s.png"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	bad["a socket"] = filepath.Join(short, "s.png")
	write(t, at("sparse.png"), nil)
	if os.Truncate(at("sparse.png"), 1<<40) == nil {
		bad["a sparse terabyte"] = at("sparse.png")
	}
	return bad
}

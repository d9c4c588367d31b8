//go:build unix

package regular

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("file"), []byte("hello"), 0o600))
	must(os.Symlink("file", at("link")))
	must(os.Symlink("nowhere", at("dangling")))
	must(os.Symlink("loop2", at("loop1")))
	must(os.Symlink("loop1", at("loop2")))
	must(os.Mkdir(at("x.png"), 0o700))
	must(syscall.Mkfifo(at("fifo"), 0o600))
	l, err := net.Listen("unix", at("sock"))
	must(err)
	defer l.Close()

	for _, name := range []string{"file", "link"} {
		f, info, err := Open(at(name), 5)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info.Size() != 5 {
			t.Errorf("%s: size is %d, want 5", name, info.Size())
		}
		f.Close()
	}
	for path, want := range map[string]string{
		at("loop1"):    "loop of symbolic links",
		at("dangling"): "a link that leads to no file",
		at("x.png"):    "a directory",
		at("fifo"):     "a FIFO",
		at("sock"):     "a socket",
		"/dev/null":    "a device",
	} {
		done := make(chan error, 1)
		go func() {
			_, _, err := Open(path, 5)
			done <- err
		}()
		select {
		case err := <-done:
			var not *NotRegularError
			if !errors.As(err, &not) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want a *NotRegularError with %q", path, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: Open blocks", path)
		}
	}
	if _, _, err := Open(at("missing"), 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
}

// TestKernelFile: /proc/kmsg says that it is a regular file, and blocks whoever
// reads it until the kernel has something to say.
func TestKernelFile(t *testing.T) {
	const path = "/proc/kmsg"
	if f, _, err := Open(path, Text); err != nil {
		t.Skip("there is no ", path, " here to read: ", err)
	} else {
		f.Close()
	}
	done := make(chan error, 1)
	go func() {
		_, err := Read(context.Background(), path, Text)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
	case <-time.After(10 * patience):
		t.Fatal("still waiting")
	}
}

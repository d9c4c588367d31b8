//go:build unix

package picture

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSkip has everything that isn't a file with a picture in it.
func TestSkip(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(at("x.png"), 0o700))
	must(syscall.Mkfifo(at("fifo.png"), 0o600))
	must(os.Symlink("b.png", at("a.png")))
	must(os.Symlink("a.png", at("b.png")))
	must(os.WriteFile(at("terabyte.png"), []byte("\x89PNG\r\n\x1a\n"), 0o600))
	must(os.Truncate(at("terabyte.png"), 1<<40))
	l, err := net.Listen("unix", at("socket.png"))
	must(err)
	defer l.Close()
	for _, path := range []string{at("x.png"), at("fifo.png"), at("a.png"), at("socket.png"), at("terabyte.png"), "/dev/zero"} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		_, _, err := DecodeFile(ctx, path, Options{})
		cancel()
		if kindOf(err) != "skip" || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: got %v, want a *SkipError", path, err)
		}
	}
	if _, _, err := DecodeFile(context.Background(), at("missing.png"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
}

//go:build unix

package eval

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFIFO: a FIFO among the truth is refused, and not waited for.
func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo.png")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := ReadMask(context.Background(), path, Reading{})
		done <- err
	}()
	select {
	case err := <-done:
		var f *FileError
		if !errors.As(err, &f) || f.Path != path || !strings.HasSuffix(err.Error(), ", want a regular file") {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it blocks")
	}
}

// Package regular opens regular files, and nothing else.
//
// A folder of untrusted inputs may hold a FIFO named model.safetensors: a plain
// open of it blocks for ever. A device may act on being opened at all.
package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/crate-vk/crate-vk/loader/internal/quote"
)

// NotRegularError says that a path leads to something that isn't a regular file.
type NotRegularError struct {
	Path string
	Kind string // with article: "a FIFO", "a directory", "a loop of symbolic links", ...
}

func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%s: is %s, want a regular file", quote.Path(e.Path), e.Kind)
}

// Open opens path for reading, following symbolic links, and returns the file
// with what fstat says about it. It never blocks: what isn't a regular file is
// found out by stat before it is touched and again by fstat on the descriptor,
// which is opened non-blocking in case the name changed hands in between.
//
// What isn't a regular file is a *NotRegularError; all else is an *fs.PathError, whose
// path is quoted where it can't be printed.
func Open(path string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, syscall.ELOOP) {
		return nil, nil, &NotRegularError{path, "a loop of symbolic links"}
	}
	if err != nil {
		return nil, nil, quote.Error(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &NotRegularError{path, kind(info.Mode())}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, quote.Error(err)
	}
	info, err = f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, quote.Error(err)
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, nil, &NotRegularError{path, kind(info.Mode())}
	}
	return f, info, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

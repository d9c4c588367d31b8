package eval

import (
	"fmt"

	"github.com/crate-vk/crate-vk/cmd/internal/coco"
)

// FileError says what is wrong with one file of a data set, or with one image.
type FileError struct {
	Path string // as given, or the image's id
	Err  error
}

func (e *FileError) Error() string { return printable(e.Path) + ": " + e.Err.Error() }

func (e *FileError) Unwrap() error { return e.Err }

func fileErrorf(path, format string, args ...any) error {
	return &FileError{path, fmt.Errorf(format, args...)}
}

// printable returns a name as it is if it can be printed, else as a Go string.
func printable(name string) string { return coco.Printable(name) }

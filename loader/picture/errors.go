package picture

import (
	"fmt"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// FormatError says that the content is malformed: corrupt, truncated, empty, or of
// no kind that is known.
type FormatError struct {
	Path   string // empty if the picture didn't come from a file
	Format Format // empty if unknown
	What   string
}

func (e *FormatError) Error() string { return message(e.Path, e.Format, e.What) }

// UnsupportedError says that the picture is of a kind that isn't decoded.
type UnsupportedError struct {
	Path   string
	Format Format
	What   string
	Hint   string // what to do about it
}

func (e *UnsupportedError) Error() string {
	return message(e.Path, e.Format, "valid, not supported: "+e.What+"; "+e.Hint)
}

// LimitError says that a picture has more pixels than Options.MaxPixels.
type LimitError struct {
	Path          string
	Format        Format
	Width, Height int64
	MaxPixels     int64
}

func (e *LimitError) Error() string {
	return message(e.Path, e.Format, fmt.Sprintf("%d×%d pixels, want at most %d in all", e.Width, e.Height, e.MaxPixels))
}

// SkipError says that a path leads to nothing that is worth trying: not a regular
// file, or one above Options.MaxBytes. A folder walk passes over it with a notice.
type SkipError struct {
	Path string
	What string
}

func (e *SkipError) Error() string { return message(e.Path, "", e.What) }

// BugError is a panic inside a decoder. The input is to be treated as failed, and
// the error to be logged as a bug, with the stack.
type BugError struct {
	Path   string
	Format Format
	Value  any    // of the panic
	Stack  []byte // of the goroutine
}

func (e *BugError) Error() string {
	return message(e.Path, e.Format, fmt.Sprintf("the decoder panicked, which is a bug: %v", e.Value))
}

func message(path string, format Format, what string) string {
	if format != "" {
		what = string(format) + ": " + what
	}
	if path == "" {
		return "picture: " + what
	}
	return quote.Path(path) + ": " + what
}

package pth

import (
	"fmt"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// RefusedError says that a checkpoint names a Python function or class that isn't
// on the list of those that stand for plain data.
type RefusedError struct {
	Path   string // the file
	Global string // module.name
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: refuses to load %s: a checkpoint may not run code (what is read is tensors and plain values, as in model.state_dict())",
		quote.Path(e.Path), printable(e.Global))
}

// printable returns a global's name as it is if it looks like one, else quoted.
func printable(name string) string {
	if len(name) > 120 {
		return quote.Name(name)
	}
	for _, c := range []byte(name) {
		switch {
		case c == '.', c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		default:
			return quote.Name(name)
		}
	}
	return name
}

// malformed makes a *weights.FormatError of this file.
func (d *disk) malformed(format string, args ...any) error {
	return &weights.FormatError{Path: d.path, What: fmt.Sprintf(format, args...)}
}

// unsupported makes a *weights.UnsupportedError of this file.
func (d *disk) unsupported(format string, args ...any) error {
	return &weights.UnsupportedError{Path: d.path, What: fmt.Sprintf(format, args...)}
}

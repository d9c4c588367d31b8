package weights

import (
	"errors"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// ErrChanged is wrapped by the error of a read from a file whose size or time of
// modification is no longer what it was when the file was opened.
var ErrChanged = errors.New("the file changed while it was read")

// FormatError says that a file is malformed.
type FormatError struct {
	Path   string // the file, or the shard of a sharded checkpoint
	Tensor string // empty where the fault isn't a tensor's
	What   string // the fact and the rule that it breaks
}

func (e *FormatError) Error() string { return message(e.Path, e.Tensor, e.What) }

// UnsupportedError says that a file is well-formed, as far as it was read, and
// that this package doesn't go further.
type UnsupportedError struct {
	Path   string
	Tensor string // empty where the reason isn't a tensor
	What   string // the fact and the limit or the wish
}

func (e *UnsupportedError) Error() string { return message(e.Path, e.Tensor, e.What) }

func message(path, tensor, what string) string {
	if tensor != "" {
		what = "tensor " + quote.Name(tensor) + ": " + what
	}
	if path == "" {
		return "weights: " + what
	}
	return quote.Path(path) + ": " + what
}

package picture

import (
	"errors"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"

	"github.com/crate-vk/crate-vk/loader/memory"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// explain turns an error of a decoder into one of this package's.
func (in *input) explain(err error) error {
	var (
		format      *FormatError
		unsupported *UnsupportedError
		limit       *LimitError
		memory      *memory.TooMuchError
		pngUnsup    png.UnsupportedError
		jpegUnsup   jpeg.UnsupportedError
	)
	switch {
	case in.ctx.Err() != nil:
		return in.stopped()
	case in.readErr != nil:
		return quote.Error(in.readErr) // the disk's, with the path in it
	case errors.As(err, &format), errors.As(err, &unsupported), errors.As(err, &limit), errors.As(err, &memory):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return in.malformed("the file is truncated")
	case errors.As(err, &pngUnsup): // what is valid is decoded
		return in.malformed("%s is none of the format's", string(pngUnsup))
	case errors.As(err, &jpegUnsup):
		return in.unsupported("%s isn't decoded", string(jpegUnsup))
	case errors.Is(err, bmp.ErrUnsupported):
		return in.unsupported("a header, depth or compression that isn't decoded")
	}
	what := err.Error()
	for _, prefix := range []string{"png: invalid format: ", "invalid JPEG format: ", "tiff: invalid format: ", "gif: ", "webp: ", "bmp: ", "vp8: ", "vp8l: ", "riff: "} {
		what = strings.TrimPrefix(what, prefix)
	}
	return in.malformed("%s", what)
}

package eval

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"

	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// Truth in files is read by image/png itself, not by loader/picture: a palette's
// indices and all 16 bits of a sample matter here.

// openPNG decodes a PNG of at most picture.DefaultMaxPixels, and tells the bits of
// its samples. All errors but ctx's are *FileErrors.
func openPNG(ctx context.Context, path string) (image.Image, int, error) {
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	img, depth, err := decodePNG(path)
	if err != nil {
		return nil, 0, &FileError{path, bare(err)}
	}
	return img, depth, nil
}

func decodePNG(path string) (image.Image, int, error) {
	f, _, err := regular.Open(path, regular.Picture)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	return decodePNGFrom(f, picture.DefaultMaxPixels)
}

// decodePNGFrom decodes a PNG of at most so many pixels, and tells the bits of its
// samples.
func decodePNGFrom(f io.ReadSeeker, most int64) (image.Image, int, error) {
	// Signature, then the first chunk: length, IHDR, width, height, bit depth.
	var head [25]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:8]) != "\x89PNG\r\n\x1a\n" || string(head[12:16]) != "IHDR" {
		return nil, 0, errors.New("isn't a PNG")
	}
	w, h := int64(binary.BigEndian.Uint32(head[16:])), int64(binary.BigEndian.Uint32(head[20:]))
	if h > 0 && w > most/h {
		return nil, 0, fmt.Errorf("%d×%d pixels, want at most %d in all", w, h, most)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, 0, err
	}
	img, err := png.Decode(bufio.NewReader(f))
	return img, int(head[24]), err
}

// bare strips the path, which is told beside it, from an error of the file system.
func bare(err error) error {
	if what := regular.Refused(err); what != "" {
		return errors.New(what)
	}
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// ReadLabels reads a label map: the indices of a PNG with a palette, or the samples
// of a gray one with up to 8 bits.
func ReadLabels(ctx context.Context, path string) (*picture.Gray, error) {
	img, depth, err := openPNG(ctx, path)
	if err != nil {
		return nil, err
	}
	labels := picture.NewGray(img.Bounds().Dx(), img.Bounds().Dy())
	switch img := img.(type) {
	case *image.Paletted:
		for y := range labels.Height {
			copy(labels.Pix[y*labels.Width:(y+1)*labels.Width], img.Pix[y*img.Stride:])
		}
	case *image.Gray:
		unit := uint8(255 / (1<<depth - 1)) // the decoder spreads fewer bits over 0 to 255
		for y := range labels.Height {
			for x, v := range img.Pix[y*img.Stride:][:labels.Width] {
				labels.Pix[y*labels.Width+x] = v / unit
			}
		}
	default:
		return nil, fileErrorf(path, "is a PNG of %T samples, want a palette or up to 8 bits of gray: a class a pixel", img)
	}
	return labels, nil
}

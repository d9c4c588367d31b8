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

	"github.com/crate-vk/crate-vk/internal/regular"
	"github.com/crate-vk/crate-vk/loader/picture"
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
	// Signature, then the first chunk: length, IHDR, width, height, bit depth.
	var head [25]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:8]) != "\x89PNG\r\n\x1a\n" || string(head[12:16]) != "IHDR" {
		return nil, 0, errors.New("isn't a PNG")
	}
	w, h := int64(binary.BigEndian.Uint32(head[16:])), int64(binary.BigEndian.Uint32(head[20:]))
	if w*h > picture.DefaultMaxPixels {
		return nil, 0, fmt.Errorf("%d×%d pixels, want at most %d in all", w, h, picture.DefaultMaxPixels)
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

// Foreground says which pixels of a PNG are a mask's foreground.
type Foreground int

// The rules. Values are the largest of red, green and blue; alpha means nothing.
const (
	// ForegroundAuto takes a gray picture with a value above 127 as a mask, of which
	// the foreground is above 127: 0 and 255, or smoothed edges between. All else
	// it takes as labels, of which the foreground isn't 0: masks of 0 and 1, numbered
	// objects, objects in colours (of a palette too, whatever its indices).
	ForegroundAuto    Foreground = iota
	ForegroundBright             // above 127 of 255
	ForegroundNonZero            // not black
)

// ParseForeground reads auto, bright or nonzero.
func ParseForeground(s string) (Foreground, error) {
	for f := ForegroundAuto; f <= ForegroundNonZero; f++ {
		if s == f.String() {
			return f, nil
		}
	}
	return 0, fmt.Errorf("foreground %q: want auto, bright or nonzero", s)
}

func (f Foreground) String() string { return [...]string{"auto", "bright", "nonzero"}[f] }

// ReadMask reads a PNG as a mask, 0 or 255 a pixel.
func ReadMask(ctx context.Context, path string, rule Foreground) (*picture.Gray, error) {
	img, _, err := openPNG(ctx, path)
	if err != nil {
		return nil, err
	}
	value, ok := valuesOf(img)
	if !ok {
		return nil, fileErrorf(path, "is a PNG of %T samples, want gray, RGB or a palette", img)
	}
	const bright = 128 << 8
	mask := picture.NewGray(img.Bounds().Dx(), img.Bounds().Dy())
	if rule == ForegroundAuto {
		rule = ForegroundNonZero
		for i := range mask.Pix {
			v, gray := value(i%mask.Width, i/mask.Width)
			if !gray {
				rule = ForegroundNonZero
				break
			}
			if v >= bright {
				rule = ForegroundBright
			}
		}
	}
	least := uint16(1)
	if rule == ForegroundBright {
		least = bright
	}
	for i := range mask.Pix {
		if v, _ := value(i%mask.Width, i/mask.Width); v >= least {
			mask.Pix[i] = 255
		}
	}
	return mask, nil
}

// valuesOf returns the 16-bit value of a pixel and whether it is gray, for the
// pictures that image/png gives.
func valuesOf(img image.Image) (value func(x, y int) (uint16, bool), ok bool) {
	wide := func(r, g, b uint8) (uint16, bool) { return uint16(max(r, g, b)) * 257, r == g && g == b }
	switch img := img.(type) {
	case *image.Gray:
		return func(x, y int) (uint16, bool) { return uint16(img.Pix[y*img.Stride+x]) * 257, true }, true
	case *image.Gray16:
		return func(x, y int) (uint16, bool) { return binary.BigEndian.Uint16(img.Pix[y*img.Stride+2*x:]), true }, true
	case *image.RGBA:
		return func(x, y int) (uint16, bool) { p := img.Pix[y*img.Stride+4*x:]; return wide(p[0], p[1], p[2]) }, true
	case *image.NRGBA:
		return func(x, y int) (uint16, bool) { p := img.Pix[y*img.Stride+4*x:]; return wide(p[0], p[1], p[2]) }, true
	case *image.RGBA64:
		return wider(img.Pix, img.Stride), true
	case *image.NRGBA64:
		return wider(img.Pix, img.Stride), true
	case *image.Paletted:
		var values [256]uint16
		var grays [256]bool
		for i, c := range img.Palette {
			r, g, b, _ := c.RGBA()
			values[i], grays[i] = uint16(max(r, g, b)), r == g && g == b
		}
		return func(x, y int) (uint16, bool) { i := img.Pix[y*img.Stride+x]; return values[i], grays[i] }, true
	}
	return nil, false
}

// wider is for four samples of 16 bits a pixel.
func wider(pix []uint8, stride int) func(x, y int) (uint16, bool) {
	return func(x, y int) (uint16, bool) {
		p := pix[y*stride+8*x:]
		r, g, b := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:]), binary.BigEndian.Uint16(p[4:])
		return max(r, g, b), r == g && g == b
	}
}

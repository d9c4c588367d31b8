package picture

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"math/bits"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// Options limits what is decoded. The zero value means the defaults.
type Options struct {
	MaxPixels int64 // width × height of the stored picture; 0 is DefaultMaxPixels
	MaxBytes  int64 // size of the file; 0 is DefaultMaxBytes
	// IgnoreOrientation leaves the picture as it is stored, where its metadata (EXIF, else
	// XMP) says that it has to be turned to be upright.
	IgnoreOrientation bool
	// Timeout is how long decoding may take, without the time that it waits for memory (see
	// LimitMemory); 0 is DefaultTimeout, less than 0 none.
	Timeout time.Duration
}

// The limits that zero Options stand for. Decoding takes 3 to 6 bytes of memory a pixel as
// a rule, 10 for a progressive JPEG and up to 26 for one of four components.
const (
	DefaultMaxPixels = 100_000_000
	DefaultMaxBytes  = regular.Picture
)

// Meta is what is told of a picture beside its pixels.
type Meta struct {
	Format        Format
	Width, Height int   // as stored; swapped in the upright picture for orientations 5-8
	Orientation   int   // as the metadata has it, 1-8; 1 if there is none
	Size          int64 // bytes of the file
}

// DecodeFile decodes the picture in a file, upright unless Options say otherwise.
//
// If ctx ends first, the error wraps ctx's. The decoder then goes on in its
// goroutine up to its next read of the file, where it fails; its memory is free
// after that. So it is when Options.Timeout is over.
//
// Errors: see the package. All but the operating system's own carry the path.
func DecodeFile(ctx context.Context, path string, opt Options) (*RGB, Meta, error) {
	in, done, err := open(ctx, path, opt)
	if err != nil {
		return nil, Meta{}, err
	}
	return decode(in, done)
}

// open opens a file that is to be decoded. done closes it.
func open(ctx context.Context, path string, opt Options) (in *input, done func(), err error) {
	opt = opt.withDefaults()
	f, info, err := regular.Open(path, opt.MaxBytes)
	if what := regular.Refused(err); what != "" {
		return nil, nil, &SkipError{path, what}
	}
	if err != nil {
		return nil, nil, err
	}
	return &input{ctx: ctx, path: path, src: f, size: info.Size(), opt: opt}, func() { f.Close() }, nil
}

// CheckFile reads the header of the picture in a file, and returns the error that
// [DecodeFile] would give for what it says: no known format, one that isn't decoded, too
// many pixels. It is for files that are large to read in whole.
func CheckFile(ctx context.Context, path string, opt Options) error {
	in, done, err := open(ctx, path, opt)
	if err != nil {
		return err
	}
	_, _, err = beside(in, func(in *input) (*RGB, error) {
		c, err := in.codec()
		if err == nil {
			err = in.header(c)
		}
		return nil, err
	}, done)
	return err
}

// Decode decodes the picture in data, upright, like [DecodeFile].
func Decode(ctx context.Context, data []byte, opt Options) (*RGB, Meta, error) {
	return DecodeNamed(ctx, "", data, opt)
}

// DecodeNamed is [Decode] of what a file held: errors carry its path.
func DecodeNamed(ctx context.Context, path string, data []byte, opt Options) (*RGB, Meta, error) {
	opt = opt.withDefaults()
	if int64(len(data)) > opt.MaxBytes {
		return nil, Meta{}, &SkipError{path, fmt.Sprintf("has %d bytes, want at most %d", len(data), opt.MaxBytes)}
	}
	return decode(&input{ctx: ctx, path: path, src: bytes.NewReader(data), size: int64(len(data)), opt: opt}, func() {})
}

func (o Options) withDefaults() Options {
	if o.MaxPixels <= 0 {
		o.MaxPixels = DefaultMaxPixels
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return o
}

func decode(in *input, done func()) (*RGB, Meta, error) { return beside(in, (*input).decode, done) }

// beside runs read beside ctx and the clock, and done after it.
func beside(in *input, read func(*input) (*RGB, error), done func()) (*RGB, Meta, error) {
	type result struct {
		p    *RGB
		meta Meta
		err  error
	}
	ctx, cancel := context.WithCancelCause(in.ctx)
	in.ctx, in.clock = ctx, &clock{limit: in.opt.Timeout, left: in.opt.Timeout, cancel: cancel}
	results := make(chan result, 1)
	go func() {
		defer cancel(nil)
		defer done()
		defer func() {
			if v := recover(); v != nil {
				results <- result{meta: in.meta, err: &BugError{in.path, in.meta.Format, v, debug.Stack()}}
			}
		}()
		in.clock.start()
		defer in.clock.pause()
		p, err := read(in)
		results <- result{p, in.meta, err}
	}()
	select {
	case r := <-results:
		return r.p, r.meta, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-results: // at the same time
		return r.p, r.meta, r.err
	default:
		return nil, Meta{}, in.stopped()
	}
}

// input is one file to be decoded.
type input struct {
	ctx  context.Context
	path string
	src  io.ReaderAt
	size int64
	opt  Options

	clock   *clock
	meta    Meta
	readErr error // the first error of src that isn't io.EOF
}

// codec is how one format is read.
type codec struct {
	// size returns the width and height that decoding will allocate for.
	size func(in *input) (width, height int, err error)
	// orientation returns the EXIF orientation, 0 if there is none.
	orientation func(in *input) int
	// decode returns the stored picture.
	decode func(in *input) (*RGB, error)
}

func codecOf(f Format) (codec, bool) {
	switch f {
	case PNG:
		return codec{sizePNG, orientationPNG, decodePNG}, true
	case JPEG:
		return codec{sizeJPEG, orientationJPEG, decodeJPEG}, true
	case GIF:
		return codec{sizeGIF, nil, decodeGIF}, true
	case WebP:
		return codec{sizeWebP, orientationWebP, decodeWebP}, true
	case TIFF:
		return codec{sizeTIFF, orientationTIFF, decodeTIFF}, true
	case BMP:
		return codec{sizeBMP, nil, decodeBMP}, true
	case Netpbm:
		return codec{sizeNetpbm, nil, decodeNetpbm}, true
	}
	return codec{}, false
}

func (in *input) decode() (*RGB, error) {
	c, err := in.codec()
	if err != nil {
		return nil, err
	}
	return in.decodeBy(c)
}

// codec tells the format.
func (in *input) codec() (c codec, err error) {
	in.meta.Size = in.size
	in.meta.Orientation = 1
	head := make([]byte, min(in.size, sniffLen))
	if err := in.readFull(head, 0); err != nil {
		return c, in.explain(err)
	}
	if len(head) == 0 {
		return c, &FormatError{in.path, "", "the file is empty"}
	}
	in.meta.Format = SniffFile(in, in.size)
	c, ok := codecOf(in.meta.Format)
	if !ok {
		if named := extensions[strings.ToLower(filepath.Ext(in.path))]; in.meta.Format == "" && named != "" {
			return c, &UnsupportedError{in.path, named, "files of this name aren't decoded", convertHint}
		}
		if in.meta.Format == "" {
			return c, &FormatError{in.path, "", "the content is of no known picture format"}
		}
		return c, in.unsupported("this format isn't decoded")
	}
	return c, nil
}

// header checks what the header promises, before anything is allocated for it.
func (in *input) header(c codec) error {
	w, h, err := c.size(in)
	if err != nil {
		return in.explain(err)
	}
	if w <= 0 || h <= 0 {
		return in.malformed("%d×%d pixels", w, h)
	}
	if hi, lo := bits.Mul64(uint64(w), uint64(h)); hi != 0 || lo > uint64(in.opt.MaxPixels) {
		return &LimitError{in.path, in.meta.Format, int64(w), int64(h), in.opt.MaxPixels}
	}
	in.meta.Width, in.meta.Height = w, h
	return nil
}

// decodeBy checks the header, decodes, and checks what came of it.
func (in *input) decodeBy(c codec) (*RGB, error) {
	if err := in.header(c); err != nil {
		return nil, err
	}
	w, h := in.meta.Width, in.meta.Height
	if c.orientation != nil {
		if o := c.orientation(in); o != 0 {
			in.meta.Orientation = o
		}
	}
	done, err := in.admit()
	if err != nil {
		return nil, in.explain(err)
	}
	kept := int64(0)
	defer func() { done(kept) }()
	p, err := c.decode(in)
	if err != nil {
		return nil, in.explain(err)
	}
	if p.Width != w || p.Height != h {
		return nil, in.malformed("the header promises %d×%d pixels, and there are %d×%d", w, h, p.Width, p.Height)
	}
	if !in.opt.IgnoreOrientation {
		p = upright(p, in.meta.Orientation)
	}
	kept = int64(len(p.Pix))
	return p, nil
}

// ReadAt reads the file, and fails once ctx has ended: so does a decoder that
// nobody waits for any more.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if in.ctx.Err() != nil {
		return 0, in.stopped()
	}
	n, err := in.src.ReadAt(p, off)
	if err != nil && err != io.EOF && in.readErr == nil {
		in.readErr = err
	}
	return n, err
}

// readFull fills p from off on.
func (in *input) readFull(p []byte, off int64) error {
	n, err := in.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// section returns the whole file as a reader from its start.
func (in *input) section() *io.SectionReader { return io.NewSectionReader(in, 0, in.size) }

// stream returns the same, buffered.
func (in *input) stream() *bufio.Reader { return bufio.NewReaderSize(in.section(), 1<<16) }

func (in *input) stopped() error {
	name := "picture"
	if in.path != "" {
		name = quote.Path(in.path)
	}
	return fmt.Errorf("%s: decoding was stopped: %w", name, context.Cause(in.ctx))
}

func (in *input) malformed(format string, args ...any) error {
	return &FormatError{in.path, in.meta.Format, fmt.Sprintf(format, args...)}
}

func (in *input) unsupported(format string, args ...any) error {
	return &UnsupportedError{in.path, in.meta.Format, fmt.Sprintf(format, args...), convertHint}
}

const convertHint = "convert it to an ordinary PNG or JPEG"

// checkSize refuses a picture whose decoder found another size than the header
// had. It stands before the conversion, which would take memory for it.
func (in *input) checkSize(b image.Rectangle) error {
	if b.Dx() != in.meta.Width || b.Dy() != in.meta.Height {
		return in.malformed("the header promises %d×%d pixels, and there are %d×%d", in.meta.Width, in.meta.Height, b.Dx(), b.Dy())
	}
	return nil
}

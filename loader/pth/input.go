package pth

import (
	"bytes"
	"strings"
)

// input hands out the bytes of a region of a file, once and in order. A length is
// compared with what is left before anything is allocated for it.
type input struct {
	disk    *disk
	at, end int64  // of the region: what is to be read next, and where it ends
	unread  []byte // what was read and not handed out
	buf     []byte // which unread is a part of
	cut     bool   // the region ends at a limit of ours, and the file goes on
}

// inputBuffer is small, so that a legacy file's storages aren't read ahead.
const inputBuffer = 16 << 10

func newInput(d *disk, begin, size int64) *input {
	in := &input{disk: d, at: begin, end: begin + size}
	if size > maxPickle {
		in.end, in.cut = begin+maxPickle, true
	}
	in.buf = make([]byte, min(in.end-in.at, inputBuffer))
	return in
}

// pos is where in the file the next byte lies.
func (in *input) pos() int64 { return in.at - int64(len(in.unread)) }

func (in *input) left() int64 { return in.end - in.pos() }

// need checks that n more bytes are left.
func (in *input) need(n uint64) error {
	switch {
	case n <= uint64(in.left()):
		return nil
	case in.cut:
		return in.disk.unsupported("the pickled structure is longer than %d bytes", int64(maxPickle))
	}
	return in.disk.malformed("byte %d: %d bytes are wanted, and %d are left in this part of the file: is it truncated?", in.pos(), n, in.left())
}

// fill reads on once everything was handed out. The caller checked that there is more.
func (in *input) fill() error {
	p := in.buf[:min(in.end-in.at, int64(len(in.buf)))]
	if err := in.disk.readAt(p, in.at); err != nil {
		return err
	}
	in.unread = p
	in.at += int64(len(p))
	return nil
}

// next returns one byte.
func (in *input) next() (byte, error) {
	if len(in.unread) == 0 {
		if err := in.need(1); err != nil {
			return 0, err
		}
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	c := in.unread[0]
	in.unread = in.unread[1:]
	return c, nil
}

// each hands the next n bytes to use, piece by piece.
func (in *input) each(n uint64, use func([]byte)) error {
	if err := in.need(n); err != nil {
		return err
	}
	for n > 0 {
		if len(in.unread) == 0 {
			if err := in.fill(); err != nil {
				return err
			}
		}
		k := min(n, uint64(len(in.unread)))
		use(in.unread[:k])
		in.unread = in.unread[k:]
		n -= k
	}
	return nil
}

// number reads an unsigned little-endian number of 1 to 8 bytes.
func (in *input) number(size int) (uint64, error) {
	var v uint64
	var shift uint
	err := in.each(uint64(size), func(p []byte) {
		for _, c := range p {
			v |= uint64(c) << shift
			shift += 8
		}
	})
	return v, err
}

func (in *input) skip(n uint64) error { return in.each(n, func([]byte) {}) }

// text reads n bytes.
func (in *input) text(n uint64) (string, error) {
	if err := in.need(n); err != nil {
		return "", err
	}
	if n > maxString {
		return "", in.disk.unsupported("byte %d: a string of %d bytes, want at most %d", in.pos(), n, maxString)
	}
	var b strings.Builder
	b.Grow(int(n))
	err := in.each(n, func(p []byte) { b.Write(p) })
	return b.String(), err
}

// line reads up to the next newline, which it drops.
func (in *input) line() (string, error) {
	var b strings.Builder
	for {
		if len(in.unread) == 0 {
			if err := in.need(1); err != nil {
				return "", err
			}
			if err := in.fill(); err != nil {
				return "", err
			}
		}
		part, _, found := bytes.Cut(in.unread, []byte{'\n'})
		if b.Len()+len(part) > maxLine {
			return "", in.disk.unsupported("byte %d: a name of more than %d bytes", in.pos(), maxLine)
		}
		b.Write(part)
		if found {
			in.unread = in.unread[len(part)+1:]
			return b.String(), nil
		}
		in.unread = nil
	}
}

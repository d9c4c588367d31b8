package coco

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Limits of what is read. Annotations need a depth of 5; the largest string of a
// real file is the compressed mask of one image.
const (
	maxDepth  = 32
	maxString = 1 << 24
	maxNumber = 128
)

// scanner reads JSON (RFC 8259) from a stream, value by value, and holds one
// string or number of it at a time. encoding/json isn't used because it keeps the
// last of two equal keys and matches names without regard to case: a file would
// mean one thing here and another there.
//
// Bytes are 0 where the stream ends or fails. No JSON has such a byte, so whoever
// meets one ends in fail, which knows what it was.
type scanner struct {
	ctx     context.Context
	r       *bufio.Reader
	readErr error // the first error of the stream, io.EOF too
	pos     int64 // bytes read
	depth   int
	text    []byte // of the last string or number
	in      *entry // what is being read; nil between entries
}

func newScanner(ctx context.Context, r io.Reader) *scanner {
	return &scanner{ctx: ctx, r: bufio.NewReaderSize(r, 1<<16)}
}

// peek returns the next byte.
func (s *scanner) peek() byte {
	b, err := s.r.Peek(1)
	if err != nil {
		s.readErr = err
		return 0
	}
	return b[0]
}

// next reads a byte.
func (s *scanner) next() byte {
	c, err := s.r.ReadByte()
	if err != nil {
		s.readErr = err
		return 0
	}
	s.pos++
	return c
}

// space skips white space and returns the byte after it, which stays.
func (s *scanner) space() byte {
	for {
		switch c := s.peek(); c {
		case ' ', '\t', '\n', '\r':
			s.next()
		default:
			return c
		}
	}
}

// skipBOM skips the mark of UTF-8 that some editors put first.
func (s *scanner) skipBOM() {
	if b, _ := s.r.Peek(3); string(b) == "\ufeff" {
		s.r.Discard(3)
		s.pos += 3
	}
}

// accept skips white space, then c if it stands there.
func (s *scanner) accept(c byte) bool {
	if s.space() != c {
		return false
	}
	s.next()
	return true
}

// fail is a *FormatError that tells the place, or the error of the stream.
func (s *scanner) fail(format string, args ...any) error {
	if s.readErr != nil && s.readErr != io.EOF {
		return s.readErr
	}
	return malformed("%s at byte %d", fmt.Sprintf(format, args...), s.pos)
}

// wanted says that something else stands here.
func (s *scanner) wanted(what string) error {
	here := fmt.Sprintf("%q", s.peek())
	if s.readErr != nil {
		here = "the end"
	}
	return s.fail("%s where %s is wanted", here, what)
}

// end says that nothing may follow.
func (s *scanner) end() error {
	if s.space(); s.readErr == io.EOF {
		return nil
	}
	return s.wanted("the end")
}

// object reads an object, calling field with each of the names in known before its
// value, which field has to consume. They may come once. Other names are skipped.
func (s *scanner) object(known []string, field func(name string) error) error {
	var seen uint64
	return s.list("an object", '{', '}', func() error {
		if s.space() != '"' {
			return s.wanted("a name")
		}
		if err := s.readString(); err != nil {
			return err
		}
		i := slices.IndexFunc(known, func(k string) bool { return k == string(s.text) })
		if !s.accept(':') {
			return s.wanted("':'")
		}
		if i < 0 {
			return s.skip()
		}
		if seen&(1<<i) != 0 && s.in != nil {
			s.in.drop("%s is there twice", known[i])
			return s.skip()
		}
		if seen&(1<<i) != 0 {
			return at(known[i], s.fail("is there twice"))
		}
		seen |= 1 << i
		return at(known[i], field(known[i]))
	})
}

// array reads an array, calling element before each one.
func (s *scanner) array(element func(i int) error) error {
	i := -1
	return s.list("an array", '[', ']', func() error {
		i++
		if err := element(i); err != nil {
			return at("["+strconv.Itoa(i)+"]", err)
		}
		return nil
	})
}

func (s *scanner) list(what string, open, end byte, item func() error) error {
	if !s.accept(open) {
		return s.wanted(what)
	}
	if s.depth++; s.depth > maxDepth {
		return unsupported("arrays and objects nest deeper than %d at byte %d", maxDepth, s.pos)
	}
	defer func() { s.depth-- }()
	if s.accept(end) {
		return nil
	}
	for {
		if s.depth <= 2 && s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if err := item(); err != nil {
			return err
		}
		if s.accept(end) {
			return nil
		}
		if !s.accept(',') {
			return s.wanted(fmt.Sprintf("',' or '%c'", end))
		}
	}
}

// skip reads any value and forgets it.
func (s *scanner) skip() error {
	switch c := s.space(); {
	case c == '{':
		return s.object(nil, nil)
	case c == '[':
		return s.array(func(int) error { return s.skip() })
	case c == '"':
		return s.readString()
	case c == '-' || isDigit(c):
		return s.readNumber()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == 'N' && s.in != nil:
		return s.literal("NaN")
	case c == 'I' && s.in != nil:
		return s.literal("Infinity")
	}
	return s.wanted("a value")
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.wanted(word)
		}
		s.next()
	}
	return nil
}

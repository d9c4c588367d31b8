package coco

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func (s *scanner) str() (string, error) {
	if s.space() != '"' {
		return "", s.wanted("a string")
	}
	if err := s.readString(); err != nil {
		return "", err
	}
	return string(s.text), nil
}

// readString reads a string, of which the caller has seen the quote, into s.text.
func (s *scanner) readString() error {
	s.next()
	s.text = s.text[:0]
	for {
		s.plain()
		if len(s.text) > maxString {
			return unsupported("a string of more than %d bytes at byte %d", maxString, s.pos)
		}
		switch c := s.peek(); {
		case c == '"':
			if !utf8.Valid(s.text) {
				return s.fail("a string that isn't UTF-8 ends")
			}
			s.next()
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c == 0 && s.readErr != nil:
			return s.fail("a string without end")
		case c < 0x20:
			return s.fail("control character %q inside a string", c)
		}
	}
}

// plain takes what is buffered of a string up to a quote, an escape or a control
// character.
func (s *scanner) plain() {
	b, _ := s.r.Peek(s.r.Buffered())
	n := bytes.IndexFunc(b, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' })
	if n < 0 {
		n = len(b)
	}
	s.text = append(s.text, b[:n]...)
	s.r.Discard(n)
	s.pos += int64(n)
}

// escape appends what an escape stands for. Half a surrogate pair becomes U+FFFD,
// as in encoding/json: Python writes them for names that aren't UTF-8.
func (s *scanner) escape() error {
	e, err := s.r.Peek(len(`\u0123\u4567`))
	if err != nil && err != io.EOF {
		s.readErr = err
		return s.fail("")
	}
	r, n := unescape(e)
	if n == 0 {
		return s.fail("an escape that JSON doesn't have")
	}
	s.text = utf8.AppendRune(s.text, r)
	for range n {
		s.next()
	}
	return nil
}

// unescape reads the escape that e starts with and returns its length, 0 if it is
// none.
func unescape(e []byte) (rune, int) {
	if len(e) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, e[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := unescapeHex(e)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	if low, ok := unescapeHex(e[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// unescapeHex reads the \u0123 that e starts with.
func unescapeHex(e []byte) (rune, bool) {
	if len(e) < 6 || e[0] != '\\' || e[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(e[2:6]), 16, 16) // takes no sign and no underscore
	return rune(v), err == nil
}

// readNumber reads a number into s.text: -? digits (. digits)? ([eE] [+-]? digits)?
// where the first digits start with 0 only if that is all; inside of entries also
// Python's -Infinity.
func (s *scanner) readNumber() error {
	s.text = s.text[:0]
	if c := s.space(); c != '-' && !isDigit(c) {
		return s.wanted("a number")
	}
	if s.take("-") && s.in != nil && s.peek() == 'I' {
		s.text = append(s.text, "Infinity"...)
		return s.literal("Infinity")
	}
	if !s.take("0") && !s.digits() {
		return s.wanted("a digit")
	}
	if s.take(".") && !s.digits() {
		return s.wanted("a digit")
	}
	if s.take("eE") {
		s.take("+-")
		if !s.digits() {
			return s.wanted("a digit")
		}
	}
	if len(s.text) > maxNumber {
		return unsupported("a number of more than %d characters at byte %d", maxNumber, s.pos)
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// take reads the next byte if it is one of set.
func (s *scanner) take(set string) bool {
	c := s.peek()
	if c == 0 || strings.IndexByte(set, c) < 0 {
		return false
	}
	s.append(s.next())
	return true
}

// digits reads digits, and reports whether there was one.
func (s *scanner) digits() bool {
	n := 0
	for ; isDigit(s.peek()); n++ {
		s.append(s.next())
	}
	return n > 0
}

// append keeps a number's characters, up to one more than are allowed.
func (s *scanner) append(c byte) {
	if len(s.text) <= maxNumber {
		s.text = append(s.text, c)
	}
}

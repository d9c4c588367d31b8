package weights

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// maxDepth is how deep arrays and objects may nest. A safetensors header needs 3.
const maxDepth = 32

// maxKeys is how many keys an object may have whose keys mean nothing here, and
// maxMetadata how many the metadata may have. They bound the memory of looking for
// duplicates.
const (
	maxKeys     = 1 << 12
	maxMetadata = 1 << 16
)

// limitError is well-formed input that exceeds a limit of this package.
type limitError string

func (e limitError) Error() string { return string(e) }

// scanner reads JSON (RFC 8259) from a string, token by token. encoding/json
// isn't used because it keeps the last of two equal keys and matches field names
// without regard to case: a file would mean one thing here and another there.
//
// Strings without escapes are substrings of the input, so that reading a header
// takes little more memory than the header itself.
type scanner struct {
	text string
	pos  int
	// sets are the keys of the objects that are being skipped, by depth, and are
	// used again: an object may take 8 bytes and come a million times.
	sets [maxDepth + 1]keySet
}

// fail returns an error that tells the place.
func (s *scanner) fail(format string, args ...any) error {
	return fmt.Errorf("%s at byte %d of the JSON text", fmt.Sprintf(format, args...), s.pos)
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// accept skips white space, then c if it stands there.
func (s *scanner) accept(c byte) bool {
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) expect(c byte) error {
	if s.accept(c) {
		return nil
	}
	return s.fail("%s where '%c' is wanted", s.here(), c)
}

// here describes the next byte for a message.
func (s *scanner) here() string {
	if s.pos >= len(s.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	return fmt.Sprintf("%q", r)
}

// object reads an object, calling field for each key with the scanner before the
// value, which field has to consume.
func (s *scanner) object(field func(key string) error) error {
	return s.list('{', '}', func() error {
		s.space()
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return field(key)
	})
}

// array reads an array, calling element before each one.
func (s *scanner) array(element func() error) error {
	return s.list('[', ']', element)
}

func (s *scanner) list(open, end byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.accept(end) {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.accept(end) {
			return nil
		}
		if !s.accept(',') {
			return s.fail("%s where ',' or '%c' is wanted", s.here(), end)
		}
	}
}

// str reads a string. The text is known to be valid UTF-8.
func (s *scanner) str() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	start := s.pos
	escaped := false
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			raw := s.text[start:s.pos]
			s.pos++
			if !escaped {
				return raw, nil
			}
			return s.unescape(start, raw)
		case c == '\\':
			escaped = true
			s.pos++ // the escaped byte can't end the string
		case c < 0x20:
			return "", s.fail("control character %q inside a string", c)
		}
	}
	s.pos = len(s.text)
	return "", s.fail("a string without end")
}

// unescape resolves the escapes of raw, which starts at byte start.
func (s *scanner) unescape(start int, raw string) (string, error) {
	end := s.pos
	var b strings.Builder
	b.Grow(unescapedLen(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			next := strings.IndexByte(raw[i:], '\\')
			if next < 0 {
				next = len(raw) - i
			}
			b.WriteString(raw[i : i+next])
			i += next
			continue
		}
		r, n := unescapeOne(raw[i:])
		if n == 0 {
			s.pos = start + i
			return "", s.fail("an escape that JSON doesn't have")
		}
		b.WriteRune(r)
		i += n
	}
	s.pos = end
	return b.String(), nil
}

// unescapedLen returns the length of raw without its escapes, or a little more.
// Growing on the way instead would hold a hostile 100 MB string twice over.
func unescapedLen(raw string) int {
	n := 0
	for i := 0; i < len(raw); n++ {
		switch {
		case raw[i] != '\\':
			i++
		case i+1 < len(raw) && raw[i+1] == 'u':
			n += 2 // up to three bytes of UTF-8
			i += 6
		default:
			i += 2
		}
	}
	return n
}

// unescapeOne reads the escape that e starts with and returns its length in
// bytes, 0 if it is none. A surrogate without its other half is none.
func unescapeOne(e string) (rune, int) {
	if len(e) < 2 {
		return 0, 0
	}
	switch e[1] {
	case '"', '\\', '/':
		return rune(e[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := hex4(e[2:])
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(e) < 12 || e[6] != '\\' || e[7] != 'u' {
			return 0, 0
		}
		low, ok := hex4(e[8:])
		if !ok {
			return 0, 0
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return 0, 0
}

func hex4(h string) (rune, bool) {
	if len(h) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := h[i]
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// natural reads a number that is written as a plain integer, 0 to 2^63-1.
func (s *scanner) natural() (int64, error) {
	s.space()
	start := s.pos
	var n uint64
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		d := uint64(s.text[s.pos] - '0')
		if n > (math.MaxInt64-d)/10 {
			s.pos = start
			return 0, s.fail("an integer above 2^63-1")
		}
		n = n*10 + d
		s.pos++
	}
	switch {
	case s.pos == start:
		return 0, s.fail("%s where a non-negative integer is wanted", s.here())
	case s.text[start] == '0' && s.pos > start+1:
		s.pos = start
		return 0, s.fail("an integer with leading zeros")
	case s.pos < len(s.text) && strings.IndexByte(".eE", s.text[s.pos]) >= 0:
		return 0, s.fail("a fraction or exponent where an integer is wanted")
	}
	return int64(n), nil
}

// skip reads any value and returns its text. depth is how many arrays and
// objects it stands in.
func (s *scanner) skip(depth int) (string, error) {
	s.space()
	start := s.pos
	var err error
	switch {
	case depth > maxDepth:
		err = s.fail("values nest deeper than %d", maxDepth)
	case s.pos >= len(s.text):
		err = s.fail("the end where a value is wanted")
	case s.text[s.pos] == '{':
		seen := &s.sets[depth]
		if len(*seen) > 64 {
			*seen = nil // clearing takes as long as the largest object that it held
		}
		clear(*seen)
		err = s.object(func(key string) error {
			if err := seen.add(key); err != nil {
				return err
			}
			_, err := s.skip(depth + 1)
			return err
		})
	case s.text[s.pos] == '[':
		err = s.array(func() error {
			_, err := s.skip(depth + 1)
			return err
		})
	case s.text[s.pos] == '"':
		_, err = s.str()
	default:
		err = s.scalar()
	}
	return s.text[start:s.pos], err
}

// keySet finds a key that an object holds twice.
type keySet map[string]struct{}

func (k *keySet) add(key string) error {
	if _, twice := (*k)[key]; twice {
		return fmt.Errorf("key %s appears twice", quote.Name(key))
	}
	if len(*k) == maxKeys {
		return limitError(fmt.Sprintf("an object has more than %d keys", maxKeys))
	}
	if *k == nil {
		*k = make(keySet)
	}
	(*k)[key] = struct{}{}
	return nil
}

// scalar reads true, false, null or a number.
func (s *scanner) scalar() error {
	rest := s.text[s.pos:]
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(rest, word) {
			s.pos += len(word)
			return nil
		}
	}
	digits := func(i int) int {
		for i < len(rest) && '0' <= rest[i] && rest[i] <= '9' {
			i++
		}
		return i
	}
	i := 0
	if strings.HasPrefix(rest, "-") {
		i++
	}
	whole := i
	if i = digits(i); i == whole || rest[whole] == '0' && i > whole+1 {
		return s.fail("%s where a value is wanted", s.here())
	}
	if i < len(rest) && rest[i] == '.' {
		from := i + 1
		if i = digits(from); i == from {
			return s.fail("a number without digits after its point")
		}
	}
	if i < len(rest) && (rest[i] == 'e' || rest[i] == 'E') {
		i++
		if i < len(rest) && (rest[i] == '+' || rest[i] == '-') {
			i++
		}
		from := i
		if i = digits(from); i == from {
			return s.fail("a number without digits in its exponent")
		}
	}
	s.pos += i
	return nil
}

package quote

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The two format characters that names need: they join the parts of an emoji, and
// shape Persian and Indic words.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Escape is a path as records and messages have it: bytes that are no UTF-8, and
// the bytes of characters that are not seen (control characters, those that turn
// the direction of text), are written as \xNN. A backslash before an x is written
// so, too, so that no two paths have one text; [Unescape] gives the path back.
func Escape(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		r, n := utf8.DecodeRuneInString(path[i:])
		if hidden(r, n) || r == '\\' && strings.HasPrefix(path[i+1:], "x") {
			for _, c := range []byte(path[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(path[i : i+n])
		}
		i += n
	}
	return b.String()
}

func hidden(r rune, n int) bool {
	switch r {
	case utf8.RuneError:
		return n == 1
	case zeroWidthJoiner, zeroWidthNonJoiner:
		return false
	}
	return !unicode.IsGraphic(r)
}

// Unescape is the path of which Escape made a text.
func Unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if i+4 <= len(text) && text[i] == '\\' && text[i+1] == 'x' {
			if hi, lo := digit(text[i+2]), digit(text[i+3]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func digit(c byte) int { return strings.IndexByte("0123456789abcdef", c) }

// Line is a message in which nothing acts on a terminal: hidden characters but line
// feeds and tabs are written as \uNNNN, which is right inside JSON, too.
func Line(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n' || r == '\t' || !hidden(r, n):
			b.WriteString(text[i : i+n])
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// Cell is a cell of a table of comma-separated values that no spreadsheet takes for
// a formula: one that begins like a formula has an apostrophe in front.
func Cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

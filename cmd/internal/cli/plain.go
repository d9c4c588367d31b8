package cli

import (
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// PlainWriter passes text on in which nothing acts on a terminal, whatever the
// files, paths and models hold that it came from (see quote.Line).
type PlainWriter struct {
	W    io.Writer
	rest []byte // the beginning of a character whose end is yet to come
}

func (p *PlainWriter) Write(text []byte) (int, error) {
	all := append(p.rest, text...)
	end := whole(all)
	p.rest = append([]byte(nil), all[end:]...)
	if _, err := io.WriteString(p.W, quote.Line(string(all[:end]))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// whole is the length of text without a character at its end that is not complete.
func whole(text []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if at := len(text) - i; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return at
			}
			break
		}
	}
	return len(text)
}

// Raw is the stream itself.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(*PlainWriter); ok {
		return p.W
	}
	return w
}

// Terminal reports that a stream is one that a person looks at.
func Terminal(w io.Writer) bool {
	f, ok := Raw(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

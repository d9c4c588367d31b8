package main

import (
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// plainWriter passes text on in which nothing acts on a terminal, whatever the
// files, paths and models hold that it came from (see quote.Line).
type plainWriter struct {
	w    io.Writer
	rest []byte // the beginning of a character whose end is yet to come
}

func (p *plainWriter) Write(text []byte) (int, error) {
	all := append(p.rest, text...)
	end := whole(all)
	p.rest = append([]byte(nil), all[end:]...)
	if _, err := io.WriteString(p.w, quote.Line(string(all[:end]))); err != nil {
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

// raw is the stream itself.
func raw(w io.Writer) io.Writer {
	if p, ok := w.(*plainWriter); ok {
		return p.w
	}
	return w
}

// terminal reports that a stream is one that a person looks at.
func terminal(w io.Writer) bool {
	f, ok := raw(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

package main

import (
	"bytes"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestPlainWriter: however the text is cut into writes, nothing in it acts on a
// terminal, and characters stay whole.
func TestPlainWriter(t *testing.T) {
	const text = "Zürich 猫 \x1b[31mred\x1b[0m \u009b2J \u202egnp 👨‍👩‍👧\tend\n\xffx\n"
	const want = `Zürich 猫 \u001b[31mred\u001b[0m \u009b2J \u202egnp 👨‍👩‍👧` + "\tend\n" + `\xffx` + "\n"
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		p := &cli.PlainWriter{W: &out}
		for at := 0; at < len(text); at += size {
			part := text[at:min(at+size, len(text))]
			if n, err := p.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if out.String() != want {
			t.Fatalf("in writes of %d bytes: got %q, want %q", size, out.String(), want)
		}
	}
}

package quote

import (
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"a/b.png":           "a/b.png",
		"new\nline":         `new\x0aline`,
		`new\x0aline`:       `new\x5cx0aline`,
		`back\slash`:        `back\slash`,
		"\\\n":              `\\x0a`,
		"\x1b[2J":           `\x1b[2J`,
		"c1\u009b2J":        `c1\xc2\x9b2J`,
		"turn\u202egnp.exe": `turn\xe2\x80\xaegnp.exe`,
		"line\u2028break":   `line\xe2\x80\xa8break`,
		"\xff":              `\xff`,
		"\ufffd":            "\ufffd",
		"3.04\u202fPM ü 猫":  "3.04\u202fPM ü 猫",
		"family 👨‍👩‍👧":      "family 👨‍👩‍👧",
		"e\u0301":           "e\u0301",
	} {
		got := Escape(in)
		if got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
		if back := Unescape(got); back != in {
			t.Errorf("Unescape(%s) = %q, want %q", got, back, in)
		}
	}
}

// FuzzEscape: no two paths have one text, and the text can be printed.
func FuzzEscape(f *testing.F) {
	f.Add("new\nline")
	f.Add(`new\x0aline`)
	f.Add("\\\\x\xff\u009b")
	f.Fuzz(func(t *testing.T, path string) {
		text := Escape(path)
		if Unescape(text) != path {
			t.Errorf("%q became %q, and that %q", path, text, Unescape(text))
		}
		if !utf8.ValidString(text) || Line(text) != text {
			t.Errorf("%q became %q, which can't be printed", path, text)
		}
	})
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\tb\n":       "a\tb\n",
		"\x1b]0;x\x07": `\u001b]0;x\u0007`,
		"a\rb":         `a\u000db`,
		"\u009b31m":    `\u009b31m`,
		"\u202e":       `\u202e`,
		"\xff":         `\xff`,
		"\U000e0041":   `\U000e0041`,
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "model": "model", "a=b": "a=b", "=HYPERLINK(1)": "'=HYPERLINK(1)", "+1": "'+1", "-x": "'-x", "@SUM": "'@SUM", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
	} {
		if got := Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
}

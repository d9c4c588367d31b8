package quote

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a/b.png", "a/b.png"},
		{"-ü 猫.png", "-ü 猫.png"},
		{"a\nb", `"a\nb"`},
		{"a\x1b[2Jb", `"a\x1b[2Jb"`},
		{"a\xffb", `"a\xffb"`},
		{"a\u202eb", `"a\u202eb"`}, // reverses the text after it
	} {
		if got := Path(c.in); got != c.want {
			t.Errorf("Path(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestName(t *testing.T) {
	if got := Name("a\tb"); got != `"a\tb"` {
		t.Errorf("got %s", got)
	}
	got := Name(strings.Repeat("é", 100000))
	if want := strings.Repeat("é", 60) + `"… (200000 bytes)`; got != `"`+want {
		t.Errorf("got %s", got)
	}
	if got := Name("x" + strings.Repeat("é", 100)); strings.ContainsRune(got, '\ufffd') || strings.Contains(got, `\x`) {
		t.Errorf("cut inside a rune: %s", got)
	}
}

func TestError(t *testing.T) {
	err := Error(&fs.PathError{Op: "open", Path: "a\nb", Err: fs.ErrNotExist})
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != `open "a\nb": file does not exist` {
		t.Errorf("got %v", err)
	}
	if other := errors.New("x"); Error(other) != other || Error(nil) != nil {
		t.Error("another error is changed")
	}
}

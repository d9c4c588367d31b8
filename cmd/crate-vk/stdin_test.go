package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
)

// TestStandardInputFails: an image on standard input that can't be read is one
// of the inputs that failed, and the others are done.
func TestStandardInputFails(t *testing.T) {
	image := filepath.Join(samples(t, 1), "in", "01-fish.png")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-", image}, cli.ExitInputs, "1 of 2 images failed"},
		{[]string{"-"}, cli.ExitInputs, "none of the inputs can be used"},
	} {
		var out, log bytes.Buffer
		in := iotest.ErrReader(errors.New("a broken pipe"))
		code := run(context.Background(), streams{in, &out, &log}, append([]string{"classify", "-d", "cpu"}, c.args...))
		for _, want := range []string{"a broken pipe", c.want} {
			if code != c.code || !strings.Contains(log.String(), want) {
				t.Errorf("%q: exit %d, want %d and %q: %s", c.args, code, c.code, want, log.String())
			}
		}
		if fish := strings.Contains(out.String(), "01-fish.png"); fish != (len(c.args) > 1) {
			t.Errorf("%q: the other image: %v: %s", c.args, fish, out.String())
		}
	}
}

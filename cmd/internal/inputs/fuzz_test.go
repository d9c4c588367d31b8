package inputs

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
)

// FuzzLines reads arbitrary bytes as a list of files: what is handed over are its lines,
// in order, without a mark at the start, or there is an error.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a.png\n\nb c.png\r\n\xff.png"))
	f.Add([]byte("\xef\xbb\xbfa.png\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("a\x00b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []string
		err := Lines(context.Background(), bytes.NewReader(data), false, func(path string) bool { got = append(got, path); return true })
		var want []string
		for i, line := range strings.Split(string(data), "\n") {
			line = strings.TrimSuffix(line, "\r")
			if i == 0 {
				line = strings.TrimPrefix(line, "\ufeff")
			}
			if line != "" {
				want = append(want, line)
			}
		}
		if err == nil && !slices.Equal(got, want) || err != nil && (len(got) > len(want) || !slices.Equal(got, want[:len(got)])) {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Fatalf("a message of %d bytes", len(err.Error()))
		}
	})
}

//go:build viewer && cgo

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
)

// newFile writes data to a file that was not there: name, or name with a number before
// its extension. Its folder is made where there is none.
func newFile(base, ext string, data []byte) (string, error) {
	if err := os.MkdirAll(filepath.Dir(base), 0o777); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name := base + ext
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", base, n, ext)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) && n < 10000 {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(data)
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(name) // a file is complete or not there
		}
		return name, err
	}
}

// writeFile writes data to a file that may be there: it is the old one or the new one, whole.
// A FIFO or a link of that name is replaced, and nobody waits for its reader; a file that was
// opened, as an image, a model or a script, is refused, also if others are shown by now.
func (s *session) writeFile(name string, data []byte) error {
	if err := s.notOver(name); err != nil {
		return err
	}
	return outputs.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// notOver refuses files that were opened.
func (s *session) notOver(name string) error {
	s.mu.Lock()
	opened := slices.Concat(s.options.reads, s.paths, slices.Collect(maps.Keys(s.read)))
	s.mu.Unlock()
	return cli.NotOver(name, opened...)
}

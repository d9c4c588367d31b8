//go:build viewer && cgo

package main

import (
	"errors"
	"fmt"
	"os"
)

// newFile writes data to a file that was not there: name, or name with a number before
// its extension.
func newFile(base, ext string, data []byte) (string, error) {
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

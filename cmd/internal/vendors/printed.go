package main

import (
	"io"
	"os"
)

// printed is the file that is this process's standard output, in which a driver prints the
// machine code of what it compiles.
type printed struct{ file *os.File }

// openPrinted opens it anew, so that reading doesn't move the place where the driver writes.
func openPrinted() (*printed, error) {
	f, err := os.OpenFile("/proc/self/fd/1", os.O_RDWR, 0)
	return &printed{f}, err
}

// text is what was printed since the last time. It is removed: a driver prints megabytes.
func (p *printed) text() (string, error) {
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	text, err := io.ReadAll(p.file)
	if err != nil {
		return "", err
	}
	return string(text), p.file.Truncate(0)
}

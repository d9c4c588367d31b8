package pth

import (
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// source is what a checkpoint is read from; *os.File is one.
type source interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// disk is an open file, with its size and time of modification at Open.
type disk struct {
	path    string
	src     source
	size    int64
	modTime time.Time
}

func openDisk(path string) (*disk, error) {
	f, info, err := regular.Open(path, regular.Weights)
	if what := regular.Refused(err); what != "" {
		return nil, &weights.UnsupportedError{Path: path, What: what}
	}
	if err != nil {
		return nil, err
	}
	return &disk{path: path, src: f, size: info.Size(), modTime: info.ModTime()}, nil
}

// readAt fills p. The caller has checked the range against the size, so that a
// short read means that the file shrank.
func (d *disk) readAt(p []byte, off int64) error {
	n, err := d.src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%s: %w: it ends before byte %d", quote.Path(d.path), weights.ErrChanged, off+int64(len(p)))
	}
	return quote.Error(err)
}

// unchanged compares the file's size and time of modification with those at Open.
func (d *disk) unchanged() error {
	info, err := d.src.Stat()
	if err != nil {
		return quote.Error(err)
	}
	if info.Size() != d.size || !info.ModTime().Equal(d.modTime) {
		return fmt.Errorf("%s: %w: it had %d bytes of %s, now %d of %s", quote.Path(d.path), weights.ErrChanged,
			d.size, d.modTime.Format(time.RFC3339Nano), info.Size(), info.ModTime().Format(time.RFC3339Nano))
	}
	return nil
}

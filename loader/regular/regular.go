// Package regular is how this module reads files: regular files, and nothing
// else, up to a size that their kind allows, and only for as long as the caller
// wants.
//
// A folder of untrusted inputs may hold a FIFO named model.safetensors: a plain
// open of it blocks for ever. A device may act on being opened at all. A sparse
// file of a terabyte takes no room on disk and an hour to read. TestOneOpener
// finds code that opens files by other means.
package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// The sizes in bytes up to which files are read.
const (
	Picture = 1 << 30  // a compressed image
	Weights = 64 << 30 // a safetensors file or a PyTorch checkpoint
	Text    = 64 << 20 // a plan, a graph, a list of names or of a data set's images
	Config  = 16 << 20 // config.json, a kernel
	Cache   = 1 << 30  // what is kept between runs: folded weights are the largest
	List    = 4 << 30  // --files-from, which is read line by line
	Records = 64 << 30 // results.jsonl, COCO annotations: read entry by entry
	Proc    = 1 << 20  // a file of /proc
)

// patience is for how long a file of the kernel may give nothing.
const patience = 3 * time.Second

// NotRegularError says that a path leads to something that isn't a regular file.
type NotRegularError struct {
	Path string
	Kind string // with article: "a FIFO", "a directory", "a loop of symbolic links", ...
}

func (e *NotRegularError) Error() string { return quote.Path(e.Path) + ": " + e.what() }

func (e *NotRegularError) what() string { return "is " + e.Kind + ", want a regular file" }

// SizeError says that a file is larger than its kind may be.
type SizeError struct {
	Path  string
	Size  int64 // bytes, as far as they are known
	Limit int64 // bytes
}

func (e *SizeError) Error() string { return quote.Path(e.Path) + ": " + e.what() }

func (e *SizeError) what() string {
	if e.Size == e.Limit+1 { // where reading ended: there may be more
		return fmt.Sprintf("has more than %d bytes", e.Limit)
	}
	return fmt.Sprintf("has %d bytes, want at most %d", e.Size, e.Limit)
}

// Refused tells, without the path, why this package refused a file; "" of any
// other error.
func Refused(err error) string {
	var not *NotRegularError
	var large *SizeError
	switch {
	case errors.As(err, &not):
		return not.what()
	case errors.As(err, &large):
		return large.what()
	}
	return ""
}

// Open opens path for reading, following symbolic links, and returns the file
// with what fstat says about it, unless that is more than limit bytes. It never
// blocks: what isn't a regular file is found out by stat before it is touched and
// again by fstat on the descriptor, which is opened non-blocking in case the name
// changed hands in between.
//
// What isn't a regular file is a *NotRegularError, what is too large a
// *SizeError; all else is an *fs.PathError, whose path is quoted where it can't be
// printed.
func Open(path string, limit int64) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, syscall.ELOOP) {
		return nil, nil, &NotRegularError{path, "a loop of symbolic links"}
	}
	if errors.Is(err, fs.ErrNotExist) && dangling(path) {
		return nil, nil, &NotRegularError{path, "a link that leads to no file"}
	}
	if err != nil {
		return nil, nil, quote.Error(err)
	}
	if err := check(path, info, limit); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return opened(f, err, path, limit)
}

// dangling reports a symbolic link, of a path that leads nowhere.
func dangling(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// OpenIn opens a file that lies directly in a folder, like [Open], and follows no
// link.
func OpenIn(dir *os.Root, name string, limit int64) (*os.File, fs.FileInfo, error) {
	before, err := dir.Lstat(name)
	if err != nil {
		return nil, nil, quote.Error(err)
	}
	if err := check(name, before, limit); err != nil {
		return nil, nil, err
	}
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	f, info, err := opened(f, err, name, limit)
	if err == nil && !os.SameFile(before, info) {
		f.Close()
		return nil, nil, &NotRegularError{name, "another file than a moment before"}
	}
	return f, info, err
}

// opened looks at a file once more, by its descriptor.
func opened(f *os.File, err error, path string, limit int64) (*os.File, fs.FileInfo, error) {
	if err != nil {
		return nil, nil, quote.Error(err)
	}
	info, err := f.Stat()
	if err != nil {
		err = quote.Error(err)
	} else {
		err = check(path, info, limit)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	if info.Size() == 0 {
		// The kernel's own files say that they are regular and empty, and one like
		// /proc/kmsg is waited for. A file on a disk has no deadlines.
		_ = f.SetReadDeadline(time.Now().Add(patience))
	}
	return f, info, nil
}

func check(path string, info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return &NotRegularError{path, Kind(info.Mode())}
	}
	if info.Size() > limit {
		return &SizeError{path, info.Size(), limit}
	}
	return nil
}

// Kind names, with its article, what a mode stands for.
func Kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}

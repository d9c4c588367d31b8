package outputs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// disk has the calls that change a folder. Each takes a folder that is open and a
// name directly in it, and follows no link. Tests record their order, and make
// them fail.
type disk interface {
	Create(dir *os.Root, name string) (file, error) // fails if there is anything of that name
	Append(dir *os.Root, name string) (file, error) // to a regular file that has one name alone
	Rename(dir *os.Root, from, to string) error
	Remove(dir *os.Root, name string) error
	Mkdir(dir *os.Root, name string) error
	Sync(dir *os.Root) error // makes what was renamed and removed in it last
}

// file is a file that is being written.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// system is the real disk.
type system struct{}

func (system) Create(dir *os.Root, name string) (file, error) {
	return named(dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644))
}

func (system) Append(dir *os.Root, name string) (file, error) {
	before, err := dir.Lstat(name)
	if err != nil {
		return nil, quote.Error(err)
	}
	if !before.Mode().IsRegular() || links(before) > 1 {
		return nil, &LinkError{name}
	}
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, quote.Error(err)
	}
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		f.Close()
		return nil, &LinkError{name}
	}
	return f, nil
}

func (system) Rename(dir *os.Root, from, to string) error { return dir.Rename(from, to) }
func (system) Remove(dir *os.Root, name string) error     { return quote.Error(dir.Remove(name)) }
func (system) Mkdir(dir *os.Root, name string) error      { return quote.Error(dir.Mkdir(name, 0o755)) }

func (system) Sync(dir *os.Root) error {
	if runtime.GOOS == "windows" {
		return nil // has no such call for folders
	}
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !invalid(err) {
		return err
	}
	return nil
}

// openRoot opens an output folder.
func openRoot(folder string) (*os.Root, error) {
	root, err := os.OpenRoot(folder)
	return root, quote.Error(err)
}

func named(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, quote.Error(err)
	}
	return f, nil
}

// LinkError says that something below the output folder is a link, or no file or
// folder at all, where the run would write.
type LinkError struct{ Name string }

func (e *LinkError) Error() string {
	return quote.Path(e.Name) + " in the output folder is a link or a special file, and nothing is written through those: remove it, or use another --out"
}

// descend opens the folder of a name below a folder, one element at a time, so
// that none of them is a link; with make it makes those that are missing. The
// caller closes it.
func descend(d disk, root *os.Root, dir string, make bool) (*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil || dir == "." || dir == "" {
		return at, err
	}
	done := ""
	for part := range strings.SplitSeq(dir, "/") {
		done += part
		next, err := enter(d, at, part, done, make)
		at.Close()
		if err != nil {
			return nil, err
		}
		at = next
		done += "/"
	}
	return at, nil
}

// enter opens a folder that lies directly in another; path is its name for messages.
func enter(d disk, at *os.Root, part, path string, make bool) (*os.Root, error) {
	info, err := at.Lstat(part)
	if errors.Is(err, fs.ErrNotExist) && make {
		if err := d.Mkdir(at, part); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if err := d.Sync(at); err != nil {
			return nil, err
		}
		info, err = at.Lstat(part)
	}
	if err != nil {
		return nil, quote.Error(err)
	}
	if !info.IsDir() {
		return nil, &LinkError{path}
	}
	next, err := at.OpenRoot(part)
	if err != nil {
		return nil, quote.Error(err)
	}
	if after, err := next.Stat("."); err != nil || !os.SameFile(info, after) {
		next.Close()
		return nil, &LinkError{path}
	}
	return next, nil
}

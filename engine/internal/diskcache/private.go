package diskcache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// Make makes the folder where it is missing, and refuses one that is not [Dir.Safe].
func (d Dir) Make() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	return d.Safe()
}

// Safe refuses a folder in which others can put files: what lies there is taken for
// what this program wrote, and some of it goes to the driver.
//
// The folder must belong to whoever runs the program, or to root, and be
// writable by him alone. Above it nobody else may be able to put another folder in
// its place: no folder there belongs to anyone else, and one that everybody writes
// to is sticky, as /tmp is.
func (d Dir) Safe() error {
	at, err := filepath.EvalSymlinks(string(d))
	if err == nil {
		at, err = filepath.Abs(at)
	}
	if err != nil {
		return err
	}
	const others = 0o022
	for mask := fs.FileMode(others); ; mask = 0o002 {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if why := shared(info, mask); why != "" {
			return fmt.Errorf("the cache folder %s is not safe: %s %s; make it yours alone (chmod go-w), or name another with XDG_CACHE_HOME",
				quote.Path(string(d)), quote.Path(at), why)
		}
		parent := filepath.Dir(at)
		if parent == at {
			return nil
		}
		at = parent
	}
}

// shared says why a folder is not its user's alone, "" where it is. mask has the
// permissions that others must not have, unless the folder is above the cache and
// sticky.
func shared(info fs.FileInfo, mask fs.FileMode) string {
	mode := info.Mode()
	switch {
	case !info.IsDir():
		return "is no folder"
	case foreign(info):
		return "belongs to somebody else"
	case permissions(info)&mask != 0 && (mask&0o020 != 0 || mode&fs.ModeSticky == 0):
		return fmt.Sprintf("can be written by others (mode %#o)", mode.Perm())
	}
	return ""
}

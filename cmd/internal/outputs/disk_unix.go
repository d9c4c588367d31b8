//go:build unix

package outputs

import (
	"errors"
	"io/fs"
	"syscall"
)

// links is the number of names that a file has.
func links(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// invalid reports a file system that syncs no folders.
func invalid(err error) bool { return errors.Is(err, syscall.EINVAL) }

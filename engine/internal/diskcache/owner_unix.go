//go:build unix

package diskcache

import (
	"io/fs"
	"os"
	"syscall"
)

// foreign reports a file of somebody who is neither the process's user nor root.
func foreign(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid != 0 && int(st.Uid) != os.Geteuid()
}

// permissions are what a mode allows whom.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

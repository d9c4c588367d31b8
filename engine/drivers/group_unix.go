//go:build unix

package drivers

import (
	"os"
	"syscall"
)

// groupOf is the number of the group that a file belongs to.
func groupOf(path string) (id int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Gid), true
}

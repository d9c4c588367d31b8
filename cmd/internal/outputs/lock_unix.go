//go:build unix

package outputs

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lock locks a folder until what it returns is closed. The lock is the folder's own
// (flock).
func lock(root *os.Root) (io.Closer, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, err
	}
	return d, nil
}

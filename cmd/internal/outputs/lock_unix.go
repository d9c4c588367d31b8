//go:build unix

package outputs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock locks a folder until the file that it returns is closed. The lock is the
// folder's own (flock).
func lock(root string) (*os.File, error) {
	d, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%q: %w", root, ErrBusy)
		}
		return nil, fmt.Errorf("locking %q: %w", root, err)
	}
	return d, nil
}

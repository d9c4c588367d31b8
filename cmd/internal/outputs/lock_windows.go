package outputs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lockName is not a temporary file's name: sweep leaves it alone.
const lockName = ".crate-vk.lock"

// lock locks a folder until the file that it returns is closed. Windows locks
// no folders: the lock is a file that is shared with no one and goes away when
// it is closed, or when its process ends.
func lock(root string) (*os.File, error) {
	path := filepath.Join(root, lockName)
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("locking %q: %w", root, err)
	}
	h, err := windows.CreateFile(name, windows.GENERIC_WRITE|windows.DELETE, 0, nil, windows.OPEN_ALWAYS,
		windows.FILE_ATTRIBUTE_HIDDEN|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return nil, fmt.Errorf("%q: %w", root, ErrBusy)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %q: %w", root, err)
	}
	return os.NewFile(uintptr(h), path), nil
}

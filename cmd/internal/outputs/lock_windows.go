package outputs

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lockName is not a temporary file's name: sweep leaves it alone.
const lockName = ".crate-vk.lock"

// lock locks a folder until what it returns is closed. Windows locks no folders:
// the lock is a file that is shared with no one and goes away when it is closed,
// or when its process ends.
func lock(root *os.Root) (io.Closer, error) {
	path := filepath.Join(root.Name(), lockName)
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_WRITE|windows.DELETE, 0, nil, windows.OPEN_ALWAYS,
		windows.FILE_ATTRIBUTE_HIDDEN|windows.FILE_FLAG_DELETE_ON_CLOSE|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		return nil, ErrBusy
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

package outputs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// tempPrefix marks files that are being written; a run that holds the folder's
// lock removes those that an earlier one left.
const tempPrefix = ".crate-vk-"

// ErrBusy says that another run writes into the folder.
var ErrBusy = errors.New("another run is writing into this folder")

// Folder is a locked output folder. Its methods may be called from several
// goroutines.
type Folder struct {
	root string
	lock *os.File

	mu   sync.Mutex
	dirs map[string]bool // made, or known to be there
}

// OpenFolder makes and locks the folder. A killed run leaves no lock.
func OpenFolder(root string) (*Folder, error) {
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%q is a file, want a folder for the outputs", root)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	held, err := lock(root)
	if err != nil {
		return nil, err
	}
	f := &Folder{root: root, lock: held, dirs: map[string]bool{root: true}}
	return f, f.sweep()
}

// sweep removes what a killed run left unfinished.
func (f *Folder) sweep() error {
	return filepath.WalkDir(f.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), tempPrefix) {
			return os.Remove(path)
		}
		return nil
	})
}

// Close releases the lock.
func (f *Folder) Close() error { return f.lock.Close() }

// File describes a file that was written, as records list it.
type File struct {
	Name   string `json:"file"` // relative to the folder, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Write writes a file so that its name is there only when it is complete: into
// a temporary file beside it, synced, then renamed.
func (f *Folder) Write(name string, data []byte) (File, error) {
	path := filepath.Join(f.root, name)
	dir := filepath.Dir(path)
	if err := f.makeDir(dir); err != nil {
		return File{}, err
	}
	if err := replace(dir, path, bytes.NewReader(data)); err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(data)
	return File{filepath.ToSlash(name), int64(len(data)), hex.EncodeToString(sum[:])}, nil
}

func (f *Folder) makeDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dirs[dir] {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f.dirs[dir] = true
	return nil
}

// replace writes a file atomically.
func replace(dir, path string, content io.Reader) error {
	tmp, err := os.CreateTemp(dir, tempPrefix+"*.tmp")
	if err != nil {
		return err
	}
	_, err = io.Copy(tmp, content)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// Intact reports that a file is there with the size and hash recorded.
func (f *Folder) Intact(file File) bool {
	in, err := os.Open(filepath.Join(f.root, filepath.FromSlash(file.Name)))
	if err != nil {
		return false
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil || info.Size() != file.Bytes || !info.Mode().IsRegular() {
		return false
	}
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return false
	}
	return hex.EncodeToString(h.Sum(nil)) == file.SHA256
}

// HashFile is the SHA-256 of a file, in hexadecimal.
func HashFile(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

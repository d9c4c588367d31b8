package outputs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// ErrBusy says that another run writes into the folder.
var ErrBusy = errors.New("another run is writing into this folder")

// Folder is a locked output folder. Whatever is below it is reached from its
// descriptor, and never through a link. Its methods may be called from several
// goroutines.
type Folder struct {
	name  string // as it was given
	disk  disk
	root  *os.Root
	lock  io.Closer
	token string // names this run's temporary files
	temps atomic.Int64
}

// OpenFolder makes and locks the folder. A killed run leaves no lock.
func OpenFolder(name string) (*Folder, error) { return openFolder(name, system{}) }

func openFolder(name string, d disk) (*Folder, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is %s, want a folder for the outputs", quote.Path(name), regular.Kind(info.Mode()))
	}
	if err := os.MkdirAll(name, 0o755); err != nil {
		return nil, quote.Error(err)
	}
	root, err := openRoot(name)
	if err != nil {
		return nil, err
	}
	held, err := lock(root)
	if err != nil {
		root.Close()
		if errors.Is(err, ErrBusy) {
			return nil, fmt.Errorf("%s: %w", quote.Path(name), ErrBusy)
		}
		return nil, fmt.Errorf("locking %s: %w", quote.Path(name), err)
	}
	return &Folder{name: name, disk: d, root: root, lock: held, token: rand.Text()}, nil
}

// Close releases the lock.
func (f *Folder) Close() error { return errors.Join(f.root.Close(), f.lock.Close()) }

// File describes a file that was written, as records list it.
type File struct {
	Name   string `json:"file"` // relative to the folder, with slashes, as quote.Escape writes it
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// below reports a name as runs write them: with slashes, of something below the folder.
func below(name string) bool {
	return name != "." && path.Clean(name) == name && filepath.IsLocal(filepath.FromSlash(name))
}

// place opens the folder of an output and returns its name in there.
func (f *Folder) place(name string, make bool) (*os.Root, string, error) {
	if !below(name) {
		return nil, "", fmt.Errorf("%s is no name below the output folder", quote.Path(name))
	}
	dir, err := descend(f.disk, f.root, path.Dir(name), make)
	return dir, path.Base(name), err
}

// write writes a file so that its name is there only when it is complete: into
// a temporary file beside it, synced, then renamed, then the folder synced.
func (f *Folder) write(name string, content io.Reader) (File, error) {
	file, err := f.put(name, content)
	return file, f.named(err)
}

// named adds the folder's name to an error about something below it.
func (f *Folder) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", quote.Path(f.name), err)
}

func (f *Folder) put(name string, content io.Reader) (File, error) {
	dir, base, err := f.place(name, true)
	if err != nil {
		return File{}, err
	}
	defer dir.Close()
	temp := f.temp()
	sum := sha256.New()
	n, err := f.fill(dir, temp, io.TeeReader(content, sum))
	if err == nil {
		err = f.disk.Rename(dir, temp, base)
	}
	if err != nil {
		f.disk.Remove(dir, temp)
		return File{}, quote.Error(err)
	}
	if err := f.disk.Sync(dir); err != nil {
		return File{}, err
	}
	return File{quote.Escape(name), n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// fill makes a file with that content, and syncs it.
func (f *Folder) fill(dir *os.Root, name string, content io.Reader) (int64, error) {
	out, err := f.disk.Create(dir, name)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, content)
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	return n, err
}

// The names of temporary files: only who knows a run's token, which its journal
// holds, takes a file for one of that run's.
const (
	tempPrefix = ".crate-vk-"
	tempSuffix = ".tmp"
)

func (f *Folder) temp() string {
	return fmt.Sprintf("%s%s-%d%s", tempPrefix, f.token, f.temps.Add(1), tempSuffix)
}

// sweep removes the temporary files that runs of these tokens left in these
// folders.
func (f *Folder) sweep(dirs, tokens map[string]bool) error {
	for name := range dirs {
		dir, err := descend(f.disk, f.root, name, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = f.sweepOne(dir, tokens)
		dir.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) sweepOne(dir *os.Root, tokens map[string]bool) error {
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && tokens[tokenOf(e.Name())] {
			if err := f.disk.Remove(dir, e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// tokenOf is the token in a temporary file's name, "" in every other name.
func tokenOf(name string) string {
	rest, ok := strings.CutPrefix(name, tempPrefix)
	if !ok || !strings.HasSuffix(rest, tempSuffix) {
		return ""
	}
	token, number, ok := strings.Cut(strings.TrimSuffix(rest, tempSuffix), "-")
	if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
		return ""
	}
	return token
}

// has reports that there is something of that name.
func (f *Folder) has(name string) (bool, error) {
	dir, base, err := f.place(name, false)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer dir.Close()
	_, err = dir.Lstat(base)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, quote.Error(err)
}

// intact reports that a file is there with the size and hash recorded.
func (f *Folder) intact(ctx context.Context, file File) bool {
	dir, base, err := f.place(quote.Unescape(file.Name), false)
	if err != nil {
		return false
	}
	defer dir.Close()
	in, info, err := regular.OpenIn(dir, base, max(file.Bytes, 0))
	if err != nil {
		return false
	}
	defer in.Close()
	if info.Size() != file.Bytes {
		return false
	}
	sum, err := regular.Sum(ctx, in, base, file.Bytes)
	return err == nil && sum == file.SHA256
}

// remove removes a file, if it is there.
func (f *Folder) remove(name string) error {
	dir, base, err := f.place(name, false)
	if err == nil {
		defer dir.Close()
		err = f.disk.Remove(dir, base)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.named(err)
	}
	return f.named(f.disk.Sync(dir))
}

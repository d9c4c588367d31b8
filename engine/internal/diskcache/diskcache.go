// Package diskcache keeps small files in one folder. Every file ends with a
// line that has the checksum of what is before it, so that one that was cut or
// changed is noticed, and one of text stays readable.
package diskcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/loader/regular"
)

// ErrCorrupt says that a file is not what was written.
var ErrCorrupt = errors.New("the checksum is wrong")

// ErrNoFolder says that there is nowhere to write to.
var ErrNoFolder = errors.New("there is no cache folder")

// Dir is the folder. "" keeps nothing: every file is missing.
type Dir string

const (
	sumPrefix = "sha256 "
	trailer   = len(sumPrefix) + 2*sha256.Size + 1
)

func sumLine(body []byte) string {
	sum := sha256.Sum256(body)
	return sumPrefix + hex.EncodeToString(sum[:]) + "\n"
}

// Path is where a file lies.
func (d Dir) Path(name string) string { return filepath.Join(string(d), name) }

// Read returns what was written. The error is fs.ErrNotExist where there is no
// such file, ErrCorrupt where it is no longer what was written.
func (d Dir) Read(name string) ([]byte, error) {
	if d == "" {
		return nil, &os.PathError{Op: "read", Path: name, Err: os.ErrNotExist}
	}
	if err := d.sealed(name); err != nil {
		return nil, err
	}
	data, err := regular.Read(context.Background(), d.Path(name), regular.Cache)
	if err != nil {
		return nil, err
	}
	at := len(data) - trailer
	if at < 0 || string(data[at:]) != sumLine(data[:at]) {
		return nil, fmt.Errorf("%s: %w", d.Path(name), ErrCorrupt)
	}
	return data[:at:at], nil
}

// sealed looks at the end of a file, before all of it is read: one that was not written
// by this package may be large.
func (d Dir) sealed(name string) error {
	f, info, err := regular.Open(d.Path(name), regular.Cache)
	if err != nil {
		return err
	}
	defer f.Close()
	end := make([]byte, trailer)
	if n, _ := f.ReadAt(end, max(0, info.Size()-int64(trailer))); n < trailer || string(end[:len(sumPrefix)]) != sumPrefix {
		return fmt.Errorf("%s: %w", d.Path(name), ErrCorrupt)
	}
	return nil
}

// Write makes a file with that content, or leaves what was there: whoever reads
// at the same time finds one or the other, whole.
func (d Dir) Write(name string, body []byte) error {
	if d == "" {
		return ErrNoFolder
	}
	if err := d.Make(); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(string(d), name+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(body)
	if err == nil {
		_, err = tmp.WriteString(sumLine(body))
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), d.Path(name))
}

// Touch says that a file was used. Failing to say so does no harm.
func (d Dir) Touch(name string) {
	now := time.Now()
	os.Chtimes(d.Path(name), now, now)
}

// Prune removes those files with a suffix that were not used for longest while
// they have more bytes than the limit.
func (d Dir) Prune(suffix string, limit int64) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return
	}
	type file struct {
		path string
		size int64
		used time.Time
	}
	var list []file
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		list = append(list, file{d.Path(e.Name()), info.Size(), info.ModTime()})
		total += info.Size()
	}
	slices.SortFunc(list, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range list {
		if total <= limit {
			return
		}
		if os.Remove(f.path) == nil {
			total -= f.size
		}
	}
}

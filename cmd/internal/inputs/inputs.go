// Package inputs finds the pictures that a command works on: files that are
// named, and everything below folders that are named.
package inputs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/crate-vk/crate-vk/loader/picture"
)

// Input is one picture.
type Input struct {
	Path string // to open
	Rel  string // its name in outputs and records: relative to the PATH it was found by
}

// Options of List.
type Options struct {
	// Exclude is a folder whose contents are never inputs: where outputs go.
	Exclude string
	// Notice is told of what is passed over.
	Notice func(format string, args ...any)
}

// List expands PATH arguments. Folders are walked in lexical order; in them,
// what neither looks nor is named like a picture is passed over in silence,
// what is no regular file with a notice, and dot files always. A file that is
// named is taken as it is. With several PATHs those that are folders put their
// base name in front.
func List(paths []string, opt Options) ([]Input, error) {
	var list []Input
	exclude := ""
	if opt.Exclude != "" {
		exclude = real(opt.Exclude)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			if looped(err) {
				opt.Notice("%q: skipped: a loop of symbolic links", path)
				continue
			}
			return nil, err
		}
		if !info.IsDir() {
			list = append(list, Input{path, filepath.Base(path)})
			continue
		}
		front := ""
		if len(paths) > 1 {
			front = filepath.Base(filepath.Clean(path))
		}
		w := walker{root: path, exclude: exclude, notice: opt.Notice}
		if err := w.walk(path, front); err != nil {
			return nil, err
		}
		list = append(list, w.list...)
	}
	return list, nil
}

func looped(err error) bool { return errors.Is(err, syscall.ELOOP) }

// real is a path without symbolic links, as far as it exists.
func real(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for rest := ""; ; {
		if r, err := filepath.EvalSymlinks(abs); err == nil {
			return filepath.Join(r, rest)
		}
		parent := filepath.Dir(abs)
		if parent == abs {
			return filepath.Join(abs, rest)
		}
		rest, abs = filepath.Join(filepath.Base(abs), rest), parent
	}
}

type walker struct {
	root, exclude string
	notice        func(string, ...any)
	list          []Input
}

func (w *walker) walk(dir, rel string) error {
	if dir != w.root && w.exclude != "" && real(dir) == w.exclude {
		return nil
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	for _, e := range entries {
		path, name := filepath.Join(dir, e.Name()), filepath.Join(rel, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err != nil || info.IsDir() {
				w.notice("%q: skipped: a symbolic link that leads to no file", path)
				continue
			}
			mode = info.Mode().Type()
		}
		switch {
		case mode.IsDir():
			if err := w.walk(path, name); err != nil {
				return err
			}
		case !mode.IsRegular():
			w.notice("%q: skipped: %s", path, kind(mode))
		case named(path) || looks(path):
			w.list = append(w.list, Input{path, name})
		}
	}
	return nil
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// named reports an extension that pictures have.
func named(path string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif", ".jxl"}, strings.ToLower(filepath.Ext(path)))
}

// looks reports a file that begins like a picture.
func looks(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(f, head)
	return picture.Sniff(head[:n]) != ""
}

// Lines reads one path a line, as --files-from does, and hands each over as it
// comes. An empty line is passed over.
func Lines(r io.Reader, take func(path string) bool) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), 1<<20)
	for s.Scan() {
		if line := s.Text(); line != "" && !take(line) {
			return nil
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("reading the list of files: %w", err)
	}
	return nil
}

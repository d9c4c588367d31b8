// Package inputs finds the pictures that a command works on: files that are
// named, and everything below folders that are named.
package inputs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// Input is one picture.
type Input struct {
	Path  string // to open
	Rel   string // its name in outputs and records: relative to the PATH it was found by
	Stdin bool   // it comes on standard input
}

// Options of List.
type Options struct {
	// Exclude is a folder whose contents are never inputs: where outputs go.
	Exclude string
	// Stdin takes the path - for an image on standard input.
	Stdin bool
	// Follow walks into folders that links lead to, each folder once.
	Follow bool
	// Notice is told of what is passed over because it is no input, Problem of what
	// would be one and can't be used.
	Notice  func(format string, args ...any)
	Problem func(path string, err error)
}

// List expands PATH arguments. Folders are walked in lexical order; in them,
// what neither looks nor is named like a picture is passed over in silence,
// what a run of ours wrote with a notice, and dot files always. A file that is
// named is taken as it is. With several PATHs those that are folders put their
// base name in front. What is named twice, or found in two ways, counts once.
//
// The error is ctx's; whatever is wrong with one input is told to Problem.
func List(ctx context.Context, paths []string, opt Options) ([]Input, error) {
	w := &walker{ctx: ctx, opt: opt, reals: map[string]string{}, files: map[string]bool{}, folders: map[string]bool{}, runs: map[string]*run{}}
	w.opt.Notice = func(format string, args ...any) { w.seen++; opt.Notice(format, args...) }
	w.opt.Problem = func(path string, err error) { w.seen++; opt.Problem(path, err) }
	if opt.Exclude != "" {
		w.exclude = Real(opt.Exclude)
	}
	for _, path := range paths {
		if err := w.named(path, len(paths) > 1); err != nil {
			return nil, err
		}
	}
	return w.list, nil
}

// Real is a path without symbolic links, as far as it exists.
func Real(path string) string {
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

// place is a file's own place: its folder without links, and its name. Two links
// to one file have two.
func (w *walker) place(path string) string {
	dir := filepath.Dir(path)
	real, known := w.reals[dir]
	if !known {
		real = Real(dir)
		w.reals[dir] = real
	}
	return filepath.Join(real, filepath.Base(path))
}

type walker struct {
	ctx     context.Context
	opt     Options
	exclude string
	list    []Input
	reals   map[string]string // folders without links
	files   map[string]bool   // places of files that are in the list
	folders map[string]bool   // real paths of folders that were walked
	runs    map[string]*run   // by real path of the folder; nil where there was none
	seen    int               // what was taken, or told of
}

// named takes a PATH argument.
func (w *walker) named(path string, several bool) error {
	if path == "-" && w.opt.Stdin {
		if !w.files[path] {
			w.files[path] = true
			w.list = append(w.list, Input{Path: path, Rel: "stdin", Stdin: true})
		}
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ELOOP):
		w.opt.Problem(path, errors.New("a loop of symbolic links"))
	case err != nil:
		w.opt.Problem(path, bare(err))
	case info.IsDir():
		front := ""
		if several {
			front = filepath.Base(filepath.Clean(path))
		}
		before := w.seen
		err := w.folder(path, front, true)
		if several && err == nil && w.seen == before {
			w.opt.Notice("%s: there is no image in it", quote.Path(path))
		}
		return err
	case !info.Mode().IsRegular():
		w.opt.Problem(path, w.special(info.Mode()))
	default:
		w.take(path, filepath.Base(path))
	}
	return nil
}

// special says what a path leads to instead of a file.
func (w *walker) special(m fs.FileMode) error {
	hint := ""
	if w.opt.Stdin {
		hint = " (- reads an image from standard input)"
	}
	return fmt.Errorf("%s, want a regular file%s", regular.Kind(m), hint)
}

// bare strips the path from an error that is told beside it.
func bare(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (w *walker) take(path, rel string) {
	w.seen++
	if at := w.place(path); !w.files[at] {
		w.files[at] = true
		w.list = append(w.list, Input{Path: path, Rel: rel})
	}
}

// folder walks a folder that was not walked before, and holds no run's outputs
// alone.
func (w *walker) folder(dir, rel string, named bool) error {
	at := Real(dir)
	if w.folders[at] || !named && at == w.exclude {
		w.seen++
		return nil
	}
	w.folders[at] = true
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	r, err := w.run(at)
	if err != nil {
		return err
	}
	if r != nil && !r.beside && at != w.exclude {
		w.opt.Notice("%s: passed over: it holds the results of a run of crate-vk (name its files to use them)", quote.Path(dir))
		return nil
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		w.opt.Problem(dir, bare(err)) // and what could be read of it is taken
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := w.entry(filepath.Join(dir, e.Name()), filepath.Join(rel, e.Name()), at, e.Type()); err != nil {
			return err
		}
	}
	return nil
}

// entry takes what a folder holds; in is the real path of the folder.
func (w *walker) entry(path, rel, in string, mode fs.FileMode) error {
	link := mode&fs.ModeSymlink != 0
	if link {
		info, err := os.Stat(path)
		if err != nil {
			w.broken(path, err)
			return nil
		}
		mode = info.Mode().Type()
	}
	switch {
	case mode.IsDir() && link && !w.opt.Follow:
		w.opt.Notice("%s: passed over: a symbolic link to a folder (--follow walks into those)", quote.Path(path))
	case mode.IsDir():
		return w.folder(path, rel, false)
	case !mode.IsRegular() && picture.Named(path):
		w.opt.Problem(path, w.special(mode))
	case !mode.IsRegular():
		w.opt.Notice("%s: passed over: %s", quote.Path(path), regular.Kind(mode))
	case picture.Named(path) || looks(path):
		if wrote, err := w.wrote(in, filepath.Base(path)); err != nil || wrote {
			return err
		}
		w.take(path, rel)
	}
	return nil
}

// broken tells of a link that leads nowhere.
func (w *walker) broken(path string, err error) {
	what := fmt.Errorf("a symbolic link that leads to nothing: %w", bare(err))
	if errors.Is(err, syscall.ELOOP) {
		what = errors.New("a loop of symbolic links")
	}
	if picture.Named(path) {
		w.opt.Problem(path, what)
	} else {
		w.opt.Notice("%s: passed over: %v", quote.Path(path), what)
	}
}

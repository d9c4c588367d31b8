package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/cmd/internal/inputs"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// sourceFlags say which images a run takes and where its outputs go.
type sourceFlags struct {
	out       string
	filesFrom string
	null      bool
	follow    bool
	overwrite bool
	asJSON    bool

	suffixes []string // of the files that the run writes for an image
	runFiles []string // names of those that it writes once
	keep     []string // files beside the images that the run reads: it never writes over them
}

// register registers all flags of a command that writes into a folder, by default
// into its own.
func (f *sourceFlags) register(s *pflag.FlagSet, out string) {
	s.StringVarP(&f.out, "out", "o", out, "output folder `DIR`")
	s.BoolVar(&f.overwrite, "overwrite", false, "throw away the results of another run in the output folder, and replace files that no run has written")
	f.registerList(s)
	s.BoolVar(&f.asJSON, "json", false, "print a JSON line an image on standard output")
}

// registerList registers the flags of every command that takes images.
func (f *sourceFlags) registerList(s *pflag.FlagSet) {
	s.StringVar(&f.filesFrom, "files-from", "", "read paths, one a line, from `FILE`, or - for standard input")
	s.BoolVarP(&f.null, "null", "0", false, "paths in --files-from end with a zero byte, as find -print0 writes them")
	s.BoolVar(&f.follow, "follow", false, "walk into folders that symbolic links lead to")
}

// args wants PATH arguments or --files-from.
func (f *sourceFlags) args(cmd *cobra.Command, args []string) error {
	if len(args) == 0 && f.filesFrom == "" {
		return cli.Usage(fmt.Errorf("%s: no images given: name files or folders, - for an image on standard input, or use --files-from", cmd.Name()))
	}
	if f.null && f.filesFrom == "" {
		return cli.Usage(fmt.Errorf("%s: --null says how --files-from is read: there is none", cmd.Name()))
	}
	if len(args) > 0 && f.filesFrom != "" {
		return cli.Usage(fmt.Errorf("%s: --files-from and PATH arguments exclude each other", cmd.Name()))
	}
	return nil
}

// tasks lists the images of a run with the names of their outputs. With
// --files-from - and --json paths are taken as they come: stream is then set.
// Inputs that can't be used are named, and counted in a.unusable.
func (f *sourceFlags) tasks(ctx context.Context, a *app, args []string) (list []task, stream bool, err error) {
	if f.filesFrom == "-" && f.asJSON {
		return nil, true, nil
	}
	if f.filesFrom != "" {
		if args, err = f.readList(ctx, a); err != nil {
			return nil, false, err
		}
	}
	missing := 0
	found, err := inputs.List(ctx, args, inputs.Options{
		Exclude: f.out, Follow: f.follow, Stdin: f.filesFrom == "",
		Notice: func(format string, args ...any) { a.log.Info(fmt.Sprintf(format, args...)) },
		Problem: func(path string, err error) {
			a.unusable++
			if errors.Is(err, fs.ErrNotExist) {
				missing++
			}
			a.log.Error(quote.Path(path) + ": " + err.Error())
		},
	})
	switch {
	case err != nil:
		return nil, false, err
	case len(found) == 0 && a.unusable > missing:
		return nil, false, errNoneUsable()
	case len(found) == 0:
		return nil, false, cli.Usage(fmt.Errorf("no images found in %q", args))
	}
	list, err = f.settle(ctx, a, found)
	return list, false, err
}

// settle gives the images their names.
func (f *sourceFlags) settle(ctx context.Context, a *app, found []inputs.Input) ([]task, error) {
	rels := make([]string, len(found))
	count := map[string]int{}
	for i, in := range found {
		rels[i] = in.Rel
		count[in.Rel]++
	}
	list := make([]task, 0, len(found))
	for i, base := range f.namer().Names(rels) {
		in := found[i]
		t := task{path: in.Path, rel: in.Rel, base: base}
		if count[in.Rel] > 1 { // the record keeps the path as it was given
			t.name = quote.Escape(in.Path)
		}
		if in.Stdin {
			data, err := regular.ReadAll(ctx, a.in, "standard input", regular.Picture)
			switch {
			case ctx.Err() != nil:
				return nil, err
			case err != nil:
				a.unusable++
				a.log.Error(err.Error())
				continue
			}
			t.path, t.name, t.data = "standard input", "-", append([]byte{}, data...)
		}
		list = append(list, t)
	}
	if len(list) == 0 {
		return nil, errNoneUsable()
	}
	return list, nil
}

func errNoneUsable() error {
	return cli.Coded(cli.ExitInputs, fmt.Errorf("none of the inputs can be used"))
}

func (f *sourceFlags) namer() *outputs.Namer { return outputs.NewNamer(f.suffixes, f.runFiles) }

// list is tasks for a command that looks at all images before it answers.
func (f *sourceFlags) list(ctx context.Context, a *app, args []string) ([]task, error) {
	all := *f
	all.asJSON = false
	list, _, err := all.tasks(ctx, a, args)
	return list, err
}

func (f *sourceFlags) readList(ctx context.Context, a *app) (paths []string, err error) {
	var in io.Reader = a.in
	if f.filesFrom != "-" {
		file, _, err := regular.Open(f.filesFrom, regular.List)
		if regular.Refused(err) != "" {
			return nil, cli.Usage(fmt.Errorf("--files-from: %w (- reads the list from standard input)", err))
		}
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("--files-from: %w", err))
		}
		defer file.Close()
		in = file
	}
	lines := func(yield func(string) bool) {
		err = inputs.Lines(ctx, in, f.null, yield)
	}
	paths = slices.Collect(until(ctx, lines))
	if ctx.Err() != nil { // err may still be written
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--files-from %s: %w", quote.Path(f.filesFrom), err))
	}
	return paths, nil
}

// inputNames are the names below the output folder of what the run reads, which it
// never writes over.
func (f *sourceFlags) inputNames(list []task) map[string]bool {
	out := inputs.Real(f.out)
	names := map[string]bool{}
	add := func(path string) {
		at := filepath.Join(inputs.Real(filepath.Dir(path)), filepath.Base(path))
		if rel, err := filepath.Rel(out, at); err == nil && filepath.IsLocal(rel) {
			names[filepath.ToSlash(rel)] = true
		}
	}
	for _, t := range list {
		if t.data == nil {
			add(t.path)
		}
	}
	for _, path := range append(f.keep, f.filesFrom) {
		if path != "" && path != "-" {
			add(path)
		}
	}
	return names
}

// outputNames are the names that the run writes for some images, with slashes.
func (f *sourceFlags) outputNames(list ...task) []string {
	var names []string
	for _, t := range list {
		for _, s := range f.suffixes {
			names = append(names, filepath.ToSlash(t.base)+s)
		}
	}
	return names
}

// arriving hands over tasks as their paths arrive on standard input.
func (f *sourceFlags) arriving(ctx context.Context, a *app, fail func(error)) iter.Seq[task] {
	return func(yield func(task) bool) {
		names := f.namer()
		bases := map[string]string{} // by path: one that comes again keeps its name
		err := inputs.Lines(ctx, a.in, f.null, func(path string) bool {
			rel := filepath.Base(path)
			if bases[path] == "" {
				bases[path] = names.Name(rel)
			}
			return yield(task{path: path, rel: rel, name: quote.Escape(path), base: bases[path]})
		})
		if err != nil {
			fail(fmt.Errorf("--files-from -: %w", err))
		}
	}
}

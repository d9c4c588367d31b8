package main

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crate-vk/crate-vk/cmd/internal/inputs"
	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
)

// decodeLimit is the time that one image may take to decode.
const decodeLimit = 2 * time.Minute

// sourceFlags say which images a run takes and where its outputs go.
type sourceFlags struct {
	out       string
	filesFrom string
	overwrite bool
	asJSON    bool
}

func (f *sourceFlags) register(s *pflag.FlagSet) {
	s.StringVarP(&f.out, "out", "o", "crate-vk-out", "output folder `DIR`")
	s.BoolVar(&f.overwrite, "overwrite", false, "throw away the results of another run in the output folder")
	s.StringVar(&f.filesFrom, "files-from", "", "read paths, one a line, from `FILE`, or - for standard input")
	s.BoolVar(&f.asJSON, "json", false, "print a JSON line an image on standard output")
}

// args wants PATH arguments or --files-from.
func (f *sourceFlags) args(cmd *cobra.Command, args []string) error {
	if len(args) == 0 && f.filesFrom == "" {
		return usage(fmt.Errorf("%s: no images given: name files or folders, or use --files-from", cmd.Name()))
	}
	if len(args) > 0 && f.filesFrom != "" {
		return usage(fmt.Errorf("%s: --files-from and PATH arguments exclude each other", cmd.Name()))
	}
	return nil
}

// task is one image of a run.
type task struct {
	path string // to open
	rel  string // name in records
	base string // name of outputs, without suffix
}

// tasks lists the images of a run with the names of their outputs. With
// --files-from - and --json paths are taken as they come: stream is then set.
// suffixes are those of the files that the run would write: files of such names
// that belong to another input are not inputs themselves.
func (f *sourceFlags) tasks(a *app, args []string, suffixes []string) (list []task, stream bool, err error) {
	notice := func(format string, args ...any) { a.log.Info(fmt.Sprintf(format, args...)) }
	if f.filesFrom == "-" && f.asJSON {
		return nil, true, nil
	}
	if f.filesFrom != "" {
		if args, err = f.readList(a); err != nil {
			return nil, false, err
		}
	}
	found, err := inputs.List(args, inputs.Options{Exclude: f.out, Notice: notice})
	if err != nil {
		return nil, false, usage(err)
	}
	found = withoutOutputs(found, f.out, suffixes)
	if len(found) == 0 {
		return nil, false, usage(fmt.Errorf("no images found in %q", args))
	}
	rels := make([]string, len(found))
	for i, in := range found {
		rels[i] = in.Rel
	}
	for i, base := range outputs.Names(rels) {
		list = append(list, task{found[i].Path, rels[i], base})
	}
	return unique(list), false, nil
}

// list is tasks for a command that looks at all images before it answers.
func (f *sourceFlags) list(a *app, args []string) ([]task, error) {
	all := *f
	all.asJSON = false
	list, _, err := all.tasks(a, args, nil)
	return list, err
}

func (f *sourceFlags) readList(a *app) (paths []string, err error) {
	in := a.in
	if f.filesFrom != "-" {
		file, err := os.Open(f.filesFrom)
		if err != nil {
			return nil, usage(err)
		}
		defer file.Close()
		in = file
	}
	err = inputs.Lines(in, func(path string) bool {
		paths = append(paths, path)
		return true
	})
	return paths, err
}

// unique gives records of inputs with one name different names, as their
// outputs have.
func unique(list []task) []task {
	seen := map[string]int{}
	for i, t := range list {
		seen[t.rel]++
		if n := seen[t.rel]; n > 1 {
			list[i].rel = fmt.Sprintf("%s~%d", t.rel, n)
		}
	}
	return list
}

// withoutOutputs drops inputs that a run over the others writes itself, so that
// running twice in place does not take masks for images.
func withoutOutputs(found []inputs.Input, out string, suffixes []string) []inputs.Input {
	for {
		rels := make([]string, len(found))
		for i, in := range found {
			rels[i] = in.Rel
		}
		written := map[string]bool{}
		for _, base := range outputs.Names(rels) {
			for _, s := range suffixes {
				written[absolute(filepath.Join(out, base+s))] = true
			}
		}
		var kept []inputs.Input
		for _, in := range found {
			if !written[absolute(in.Path)] {
				kept = append(kept, in)
			}
		}
		if len(kept) == len(found) {
			return kept
		}
		found = kept
	}
}

func absolute(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}

// arriving hands over tasks as their paths arrive on standard input.
func arriving(a *app, fail func(error)) iter.Seq[task] {
	return func(yield func(task) bool) {
		var names outputs.Namer
		err := inputs.Lines(a.in, func(path string) bool {
			rel := filepath.Base(path)
			base := names.Name(rel)
			if seen := filepath.Base(base); seen != rel {
				rel = path // records of twins stay apart
			}
			return yield(task{path, rel, base})
		})
		if err != nil {
			fail(err)
		}
	}
}

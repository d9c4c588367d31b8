package inputs

import (
	"os"
	"path/filepath"

	"github.com/crate-vk/crate-vk/cmd/internal/outputs"
)

// run is a run of ours that wrote into a folder.
type run struct {
	outputs map[string]bool // names below the folder, with slashes
	beside  bool            // its inputs lie there, too
}

// run is the run that wrote into a folder, given by its real path; nil if none did.
func (w *walker) run(at string) (*run, error) {
	if r, known := w.runs[at]; known {
		return r, nil
	}
	found, err := outputs.ReadRun(w.ctx, at)
	if err != nil && w.ctx.Err() != nil {
		return nil, err
	}
	var r *run
	if found != nil && err == nil {
		r = &run{outputs: found.Outputs}
		for _, in := range found.Inputs {
			if filepath.IsLocal(in) {
				if info, err := os.Lstat(filepath.Join(at, in)); err == nil && !info.IsDir() {
					r.beside = true
					break
				}
			}
		}
	}
	w.runs[at] = r
	return r, nil
}

// wrote reports that a run wrote a file: into the file's own folder, or into one
// above it. The charts of analyze count as well.
func (w *walker) wrote(in, name string) (bool, error) {
	if (name == outputs.RateChart || name == outputs.SparsityChart) && outputs.HoldsReport(w.ctx, in) {
		return true, nil
	}
	for dir, rel := in, name; ; {
		r, err := w.run(dir)
		if err != nil {
			return false, err
		}
		if r != nil && r.outputs[filepath.ToSlash(rel)] {
			return true, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false, nil
		}
		rel, dir = filepath.Join(filepath.Base(dir), rel), parent
	}
}

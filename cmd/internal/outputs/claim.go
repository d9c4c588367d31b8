package outputs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// ForeignError says that names which the run would write belong to files that no
// run of ours is known to have written, or to its own inputs.
type ForeignError struct {
	Folder string
	Names  []string // at least one
	Inputs bool     // they are inputs, which nothing replaces
}

func (e *ForeignError) Error() string {
	var list []string
	for _, n := range e.Names[:min(len(e.Names), 3)] {
		list = append(list, quote.Path(n))
	}
	text := strings.Join(list, ", ")
	if n := len(e.Names) - len(list); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	if e.Inputs {
		return fmt.Sprintf("%s: the run would write %s over its own input: name another --out", quote.Path(e.Folder), text)
	}
	return fmt.Sprintf("%s: %s: there already, and no record of a run of crate-vk says that it is one's output: use another --out, or --overwrite to replace it",
		quote.Path(e.Folder), text)
}

// Claim says which names the run will write, with slashes. Those that are there
// without being ours are refused with a *ForeignError, unless they are to be
// overwritten; those of inputs always. run are the names of files of the whole run, which are ours wherever an
// earlier run with the same header was.
func (j *Journal) Claim(names, run []string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ours {
		for _, n := range run {
			j.mine[n] = true
		}
	}
	fresh, err := j.mayTake(slices.Concat(names, run))
	if err != nil {
		return err
	}
	const together = 256 // names a line
	for part := range slices.Chunk(fresh, together) {
		c := claim{}
		for _, n := range part {
			c.Names = append(c.Names, quote.Escape(n))
			j.mine[n] = true
		}
		if err := j.appendJSON(c); err != nil {
			return err
		}
	}
	return j.sync()
}

// mayTake are those of some names that are not ours yet, if we may have them all.
func (j *Journal) mayTake(names []string) (fresh []string, err error) {
	var foreign, inputs []string
	for _, n := range names {
		if j.opt.Inputs[n] {
			inputs = append(inputs, n)
		}
		if j.mine[n] {
			continue
		}
		fresh = append(fresh, n)
		there, err := j.folder.has(n)
		if err != nil {
			return nil, err
		}
		if there {
			foreign = append(foreign, n)
		}
	}
	switch {
	case len(inputs) > 0:
		return nil, &ForeignError{j.folder.name, inputs, true}
	case len(foreign) > 0 && !j.opt.Overwrite:
		return nil, &ForeignError{j.folder.name, foreign, false}
	}
	return fresh, nil
}

// Write writes an output whose name was claimed, completely or not at all.
func (j *Journal) Write(name string, data []byte) (File, error) {
	j.mu.Lock()
	mine := j.mine[name]
	j.mu.Unlock()
	if !mine {
		return File{}, fmt.Errorf("%s was not claimed: this is a bug", quote.Path(name))
	}
	return j.folder.write(name, bytes.NewReader(data))
}

// WriteRun writes one of the files of the whole run, which [Journal.Claim] was
// asked for.
func (j *Journal) WriteRun(name string, data []byte) error {
	_, err := j.folder.write(name, bytes.NewReader(data))
	return err
}

package outputs

import (
	"bufio"
	"io"
	"path/filepath"

	"crypto/rand"
)

// WriteFile writes a file that is complete or not there: into a temporary file
// beside it, synced, then renamed, then the folder synced. A link of that name is
// replaced, and what it leads to is left alone.
func WriteFile(path string, write func(io.Writer) error) error {
	return writeFile(system{}, path, write)
}

func writeFile(d disk, path string, write func(io.Writer) error) error {
	dir, err := openRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	f := &Folder{name: filepath.Dir(path), disk: d, root: dir, token: rand.Text()}
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<20)
		err := write(w)
		if err == nil {
			err = w.Flush()
		}
		out.CloseWithError(err)
	}()
	_, err = f.write(filepath.Base(path), in)
	in.CloseWithError(err) // the writer must not wait for ever
	return err
}

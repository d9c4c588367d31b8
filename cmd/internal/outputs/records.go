package outputs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// The run-level files.
const (
	ResultsName = "results.jsonl"
	JournalName = ".crate-vk.journal"
)

// maxRecord is the length in bytes up to which a line of these is read. An image of
// 100 megapixels of noise has a mask of some 30 MB.
const maxRecord = 256 << 20

// errNotOurs says that a file of that name is no record of a run.
var errNotOurs = errors.New("is no record of a run of crate-vk")

// Entry is what every record has; the rest is the command's.
type Entry struct {
	Path    string `json:"path"`
	SHA256  string `json:"sha256,omitempty"` // of the input
	Outputs []File `json:"outputs,omitempty"`
	Error   string `json:"error,omitempty"`
}

// claim is a line of the journal that is no record: whose temporary files to
// sweep, and which names the run will write.
type claim struct {
	Token string   `json:"token,omitempty"`
	Names []string `json:"claims,omitempty"` // as quote.Escape writes them
}

// isHeader reports the first line of a run's records.
func isHeader(line []byte) bool {
	var h struct {
		Command *string `json:"command"`
		Model   *string `json:"model_sha256"`
		Version *string `json:"version"`
	}
	return json.Unmarshal(line, &h) == nil && h.Command != nil && h.Model != nil && h.Version != nil
}

// lines hands over the lines of results.jsonl or a journal, with where each begins.
// A last line without its end was cut off by a crash, and is left out. A file that
// is not there has no lines; one that is not of ours is errNotOurs.
func lines(ctx context.Context, dir *os.Root, name string, take func(at int64, line []byte) error) error {
	in, _, err := regular.OpenIn(dir, name, regular.Records)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	return readLines(regular.Reader(ctx, in), name, take)
}

// readLines is lines of what has been opened.
func readLines(in io.Reader, name string, take func(at int64, line []byte) error) error {
	r := bufio.NewReaderSize(in, 1<<16)
	limit := 1 << 20 // of a header
	for at := int64(0); ; {
		line, err := readLine(r, limit)
		if err == io.EOF && at == 0 && name == ResultsName { // it is never there in part
			err = errNotOurs
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if at == 0 && !isHeader(line) {
			return fmt.Errorf("%s %w", name, errNotOurs)
		}
		if err := take(at, line); err != nil {
			return err
		}
		at += int64(len(line)) + 1
		limit = maxRecord
	}
}

// readLine reads a line of at most limit bytes, and returns it without its end.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, fmt.Errorf("a line has more than %d bytes: it %w", limit, errNotOurs)
		}
		line = append(line, part...)
		switch err {
		case nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
}

// Run is what the records in a folder tell of a run that wrote there.
type Run struct {
	Outputs map[string]bool // names below the folder, with slashes
	Inputs  []string        // paths as they were recorded
}

// ReadRun reads what a run left in a folder, nil if it holds none of ours.
func ReadRun(ctx context.Context, folder string) (*Run, error) {
	for _, name := range []string{ResultsName, JournalName} { // most folders have neither
		if _, err := os.Lstat(folder + string(os.PathSeparator) + name); err == nil {
			return readRun(ctx, folder)
		}
	}
	return nil, nil
}

func readRun(ctx context.Context, folder string) (*Run, error) {
	root, err := openRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	run := &Run{Outputs: map[string]bool{}}
	found := false
	for _, name := range []string{ResultsName, JournalName} {
		err := lines(ctx, root, name, func(at int64, line []byte) error {
			found = true
			if at > 0 {
				run.add(line)
			}
			return nil
		})
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			continue // a file of somebody else's, or one that can't be read, tells nothing
		}
	}
	if !found {
		return nil, nil
	}
	return run, nil
}

// add takes a line, which may be a record, a claim or cut off.
func (r *Run) add(line []byte) {
	var l struct {
		Entry
		claim
	}
	if json.Unmarshal(line, &l) != nil {
		return
	}
	if l.Path != "" {
		r.Inputs = append(r.Inputs, quote.Unescape(l.Path))
	}
	for _, f := range l.Outputs {
		r.Outputs[quote.Unescape(f.Name)] = true
	}
	for _, name := range l.Names {
		r.Outputs[quote.Unescape(name)] = true
	}
}

package outputs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// The run-level files.
const (
	ResultsName = "results.jsonl"
	journalName = ".crate-vk.journal"
)

// ErrOtherRun says that the folder holds results of another model, other
// flags, another version, device, driver or tuning.
var ErrOtherRun = errors.New("the folder holds the results of another run")

// Entry is what every record has; the rest is the command's.
type Entry struct {
	Path    string `json:"path"`
	SHA256  string `json:"sha256,omitempty"` // of the input
	Outputs []File `json:"outputs,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Journal follows a run: records are appended as images are finished and
// synced in batches; at the end they become results.jsonl in input order.
type Journal struct {
	folder *Folder
	header []byte // one JSON line

	mu    sync.Mutex
	file  *os.File
	at    map[string]line // where each path's last record stands
	size  int64
	dirty int
}

// line is a record's place in results.jsonl or the journal.
type line struct {
	results  bool
	from, to int64
}

// syncEvery is the number of records after which the journal is synced.
const syncEvery = 16

// OpenJournal starts or continues a run with this header. What an earlier run
// with an equal header finished is remembered; results under another header are
// refused with ErrOtherRun, unless overwrite throws them away.
func OpenJournal(f *Folder, header any, overwrite bool) (*Journal, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	j := &Journal{folder: f, header: h, at: map[string]line{}}
	if overwrite {
		for _, name := range []string{ResultsName, journalName} {
			if err := os.Remove(filepath.Join(f.root, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	if _, err := j.load(ResultsName, true); err != nil {
		return nil, err
	}
	good, err := j.load(journalName, false)
	if err != nil {
		return nil, err
	}
	j.file, err = os.OpenFile(filepath.Join(f.root, journalName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	// A record that was cut off by a crash is dropped.
	if err := j.file.Truncate(good); err != nil {
		return nil, err
	}
	if _, err := j.file.Seek(good, io.SeekStart); err != nil {
		return nil, err
	}
	j.size = good
	if good == 0 {
		return j, j.append(h, "")
	}
	return j, nil
}

// load reads the records of a file and returns the length of its good part.
func (j *Journal) load(name string, results bool) (good int64, err error) {
	in, err := os.Open(filepath.Join(j.folder.root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer in.Close()
	r := bufio.NewReaderSize(in, 1<<16)
	for first := true; ; first = false {
		text, err := r.ReadBytes('\n')
		if err == io.EOF {
			return good, nil // an unfinished line is not counted
		}
		if err != nil {
			return good, err
		}
		body := bytes.TrimSuffix(text, []byte("\n"))
		if first {
			if !bytes.Equal(body, j.header) {
				return 0, fmt.Errorf("%q: %w: %s", j.folder.root, ErrOtherRun, difference(body, j.header))
			}
		} else {
			var e Entry
			if json.Unmarshal(body, &e) != nil {
				return good, nil
			}
			j.at[e.Path] = line{results, good, good + int64(len(body))}
		}
		good += int64(len(text))
	}
}

// difference names the first field in which two headers differ.
func difference(have, want []byte) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want, &b) != nil {
		return "its header can't be read"
	}
	var order []string
	dec := json.NewDecoder(bytes.NewReader(want))
	dec.Token()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		order = append(order, key.(string))
		var skip json.RawMessage
		dec.Decode(&skip)
	}
	for _, key := range order {
		if !bytes.Equal(a[key], b[key]) {
			return fmt.Sprintf("%s was %s, is %s", key, orNone(a[key]), b[key])
		}
	}
	return "its header differs"
}

func orNone(v json.RawMessage) string {
	if v == nil {
		return "not set"
	}
	return string(v)
}

// Finished reports that an input needs no work: it has a record without error,
// its outputs are intact, and the input is the one that was recorded.
func (j *Journal) Finished(path, inputSHA string) bool {
	e, err := j.entry(path)
	if err != nil || e == nil || e.Error != "" || e.SHA256 != inputSHA {
		return false
	}
	for _, f := range e.Outputs {
		if !j.folder.Intact(f) {
			return false
		}
	}
	return true
}

func (j *Journal) entry(path string) (*Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, ok := j.at[path]
	if !ok {
		return nil, nil
	}
	body, err := j.read(at)
	if err != nil {
		return nil, err
	}
	var e Entry
	return &e, json.Unmarshal(body, &e)
}

func (j *Journal) read(at line) ([]byte, error) {
	in := j.file
	if at.results {
		var err error
		if in, err = os.Open(filepath.Join(j.folder.root, ResultsName)); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	body := make([]byte, at.to-at.from)
	_, err := in.ReadAt(body, at.from)
	return body, err
}

// Add appends a record, a struct that begins with the fields of Entry. Its
// outputs must have been written.
func (j *Journal) Add(path string, record any) error {
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(body, path); err != nil {
		return err
	}
	if j.dirty++; j.dirty >= syncEvery {
		j.dirty = 0
		return j.file.Sync()
	}
	return nil
}

func (j *Journal) append(body []byte, path string) error {
	if _, err := j.file.Write(append(body, '\n')); err != nil {
		return err
	}
	if path != "" {
		j.at[path] = line{false, j.size, j.size + int64(len(body))}
	}
	j.size += int64(len(body)) + 1
	return nil
}

// Each calls f with the record of each path that has one.
func (j *Journal) Each(paths []string, f func(record []byte) error) error {
	for _, p := range paths {
		j.mu.Lock()
		at, ok := j.at[p]
		j.mu.Unlock()
		if !ok {
			continue
		}
		body, err := j.read(at)
		if err != nil {
			return err
		}
		if err := f(body); err != nil {
			return err
		}
	}
	return nil
}

// Finish writes results.jsonl: the header, then the records of the given
// paths in their order. The journal is removed.
func (j *Journal) Finish(paths []string) error {
	if err := j.file.Sync(); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(j.writeResults(pw, paths)) }()
	if err := replace(j.folder.root, filepath.Join(j.folder.root, ResultsName), pr); err != nil {
		return err
	}
	j.file.Close()
	return os.Remove(filepath.Join(j.folder.root, journalName))
}

func (j *Journal) writeResults(w io.Writer, paths []string) error {
	out := bufio.NewWriter(w)
	out.Write(j.header)
	out.WriteByte('\n')
	err := j.Each(paths, func(body []byte) error {
		out.Write(body)
		return out.WriteByte('\n')
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// Close keeps the journal for a later run.
func (j *Journal) Close() error {
	err := j.file.Sync()
	if e := j.file.Close(); err == nil {
		err = e
	}
	return err
}

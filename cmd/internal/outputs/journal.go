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
	"path"
	"slices"
	"sync"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// ErrOtherRun says that the folder holds results of another model, other
// flags, another version, device, driver or tuning.
var ErrOtherRun = errors.New("the folder holds the results of another run")

// Journal follows a run. It first claims the names that the run will write, so
// that whoever goes on with it knows them for ours; then records are appended as
// images are finished, and synced in batches; at the end they become results.jsonl
// in input order.
type Journal struct {
	folder *Folder
	header []byte // one JSON line
	opt    Options

	mu    sync.Mutex
	file  file
	at    map[string]line // where each path's last record stands
	mine  map[string]bool // names that this run or an earlier one claimed or wrote
	size  int64
	dirty int
	ours  bool // an earlier run of ours wrote here
	begun bool // there is a journal, with a whole header
}

// line is a record's place in results.jsonl or the journal.
type line struct {
	results  bool
	from, to int64
}

// syncEvery is the number of records after which the journal is synced.
const syncEvery = 16

// Options of OpenJournal.
type Options struct {
	// Overwrite throws away what another run recorded, and lets Claim take names
	// of files that are no output of ours.
	Overwrite bool
	// Inputs are names below the folder, with slashes, that nothing replaces.
	Inputs map[string]bool
}

// OpenJournal starts or continues a run with this header. What an earlier run
// with an equal header finished is remembered, and its temporary files are swept;
// results under another header are refused with ErrOtherRun, unless they are to be
// overwritten.
func OpenJournal(ctx context.Context, f *Folder, header any, opt Options) (*Journal, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	j := &Journal{folder: f, header: h, opt: opt, at: map[string]line{}, mine: map[string]bool{}}
	if opt.Overwrite {
		if err := f.discard(ctx, opt.Inputs); err != nil {
			return nil, err
		}
	}
	dirs, tokens := map[string]bool{".": true}, map[string]bool{}
	for _, name := range []string{ResultsName, JournalName} {
		if err := j.load(ctx, name, dirs, tokens); err != nil {
			return nil, err
		}
	}
	if len(tokens) > 0 {
		if err := f.sweep(dirs, tokens); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// open opens the journal to append to it, and says whose temporary files will come.
// It is left to the first line, so that a run that is refused leaves nothing.
func (j *Journal) open() (err error) {
	d, root := j.folder.disk, j.folder.root
	begin := append(slices.Clone(j.header), '\n')
	if j.begun {
		info, e := root.Lstat(JournalName)
		if e != nil {
			return j.folder.named(quote.Error(e))
		}
		j.file, err = d.Append(root, JournalName)
		j.size, begin = info.Size(), []byte("\n") // a line that was cut off ends here
	} else if err = j.clear(); err != nil {
		return err
	} else if j.file, err = d.Create(root, JournalName); err == nil {
		err = d.Sync(root)
	}
	if err != nil {
		return j.folder.named(err)
	}
	if err := j.append(begin); err != nil {
		return err
	}
	return j.appendJSON(claim{Token: j.folder.token})
}

// clear removes a journal whose run was killed before it had written the header.
func (j *Journal) clear() error {
	in, _, err := regular.OpenIn(j.folder.root, JournalName, int64(len(j.header)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var begun []byte
	if err == nil {
		begun, err = io.ReadAll(in)
		in.Close()
	}
	if err != nil || !bytes.HasPrefix(j.header, begun) {
		return j.folder.named(fmt.Errorf("%w: %s %w", ErrOtherRun, JournalName, errNotOurs))
	}
	return j.folder.remove(JournalName)
}

// load reads the records of a file.
func (j *Journal) load(ctx context.Context, name string, dirs, tokens map[string]bool) error {
	err := lines(ctx, j.folder.root, name, func(at int64, text []byte) error {
		if at == 0 {
			if !bytes.Equal(text, j.header) {
				return fmt.Errorf("%w: %s", ErrOtherRun, difference(text, j.header))
			}
			j.ours = true
			j.begun = j.begun || name == JournalName
			return nil
		}
		var l struct {
			Entry
			claim
		}
		if json.Unmarshal(text, &l) != nil {
			return nil // cut off
		}
		if l.Path != "" {
			j.at[l.Path] = line{name == ResultsName, at, at + int64(len(text))}
		}
		if l.Token != "" {
			tokens[l.Token] = true
		}
		for _, f := range l.Outputs {
			l.Names = append(l.Names, f.Name)
		}
		for _, n := range l.Names {
			n = quote.Unescape(n)
			if !below(n) {
				continue // none of ours
			}
			j.mine[n] = true
			dirs[path.Dir(n)] = true
		}
		return nil
	})
	if errors.Is(err, errNotOurs) {
		err = fmt.Errorf("%w: %w", ErrOtherRun, err)
	}
	return j.folder.named(err)
}

// Finished reports that an input needs no work: it has a record without error,
// its outputs are intact, and the input is the one that was recorded.
func (j *Journal) Finished(ctx context.Context, path, inputSHA string) bool {
	e, err := j.entry(path)
	return err == nil && e != nil && e.SHA256 == inputSHA && j.complete(ctx, e)
}

// Recorded reports that an input has a record of having been done.
func (j *Journal) Recorded(path string) bool {
	e, err := j.entry(path)
	return err == nil && e != nil && e.Error == ""
}

func (j *Journal) complete(ctx context.Context, e *Entry) bool {
	return e.Error == "" && !slices.ContainsFunc(e.Outputs, func(f File) bool { return !j.folder.intact(ctx, f) })
}

func (j *Journal) entry(path string) (*Entry, error) {
	j.mu.Lock()
	at, ok := j.at[path]
	j.mu.Unlock()
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
	name := JournalName
	if at.results {
		name = ResultsName
	}
	in, _, err := regular.OpenIn(j.folder.root, name, regular.Records)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body := make([]byte, at.to-at.from)
	_, err = in.ReadAt(body, at.from)
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
	if err := j.append(append(body, '\n')); err != nil {
		return err
	}
	end := j.size - 1
	j.at[path] = line{false, end - int64(len(body)), end}
	if j.dirty++; j.dirty >= syncEvery {
		j.dirty = 0
		return j.sync()
	}
	return nil
}

func (j *Journal) appendJSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return j.append(append(body, '\n'))
}

// sync makes the journal last.
func (j *Journal) sync() error {
	if j.file == nil {
		return nil
	}
	return j.folder.named(j.file.Sync())
}

func (j *Journal) append(text []byte) error {
	if j.file == nil {
		if err := j.open(); err != nil {
			return err
		}
	}
	n, err := j.file.Write(text)
	j.size += int64(n)
	return j.folder.named(quote.Error(err))
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

// WithEarlier adds to the paths of a run those that earlier runs of the same
// header did and this one was not asked for: their results stand beside this
// run's.
func (j *Journal) WithEarlier(ctx context.Context, paths []string) []string {
	asked := make(map[string]bool, len(paths))
	for _, p := range paths {
		asked[p] = true
	}
	var earlier []string
	for p := range j.at {
		if asked[p] {
			continue
		}
		if e, err := j.entry(p); err == nil && j.complete(ctx, e) {
			earlier = append(earlier, p)
		}
	}
	slices.Sort(earlier)
	return append(slices.Clip(paths), earlier...)
}

// Finish writes results.jsonl: the header, then the records of the given
// paths in their order. The journal is removed.
func (j *Journal) Finish(paths []string) error {
	if err := j.sync(); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(j.writeResults(pw, paths)) }()
	_, err := j.folder.write(ResultsName, pr)
	pr.CloseWithError(err) // the writer must not wait for ever
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	return j.folder.remove(JournalName)
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
	if j.file == nil {
		return nil
	}
	err := j.file.Sync()
	if e := j.file.Close(); err == nil {
		err = e
	}
	return err
}

package outputs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// recorder is a disk that notes what is called, and fails one call.
type recorder struct {
	system
	mu    sync.Mutex
	calls []string
	fail  int // fails the call of this number, from 1 on
	err   error
}

// digits are the parts of temporary names that vary.
var digits = regexp.MustCompile(`\.crate-vk-[^.]*\.tmp`)

func (r *recorder) note(call string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, digits.ReplaceAllString(call, "TEMP"))
	if len(r.calls) == r.fail {
		return r.err
	}
	return nil
}

func (r *recorder) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.calls, "\n")
	r.calls = nil
	return text
}

func (r *recorder) Create(dir *os.Root, name string) (file, error) {
	return r.open("create "+name, name, func() (file, error) { return r.system.Create(dir, name) })
}

func (r *recorder) Append(dir *os.Root, name string) (file, error) {
	return r.open("append "+name, name, func() (file, error) { return r.system.Append(dir, name) })
}

func (r *recorder) open(call, name string, open func() (file, error)) (file, error) {
	if err := r.note(call); err != nil {
		return nil, err
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	return &recordedFile{f, r, name}, nil
}

func (r *recorder) Rename(dir *os.Root, from, to string) error {
	if err := r.note("rename " + from + " " + to); err != nil {
		return err
	}
	return r.system.Rename(dir, from, to)
}

func (r *recorder) Remove(dir *os.Root, name string) error {
	if err := r.note("remove " + name); err != nil {
		return err
	}
	return r.system.Remove(dir, name)
}

func (r *recorder) Mkdir(dir *os.Root, name string) error {
	if err := r.note("mkdir " + name); err != nil {
		return err
	}
	return r.system.Mkdir(dir, name)
}

func (r *recorder) Sync(dir *os.Root) error {
	if err := r.note("sync folder " + filepath.Base(dir.Name())); err != nil {
		return err
	}
	return r.system.Sync(dir)
}

type recordedFile struct {
	file
	r    *recorder
	name string
}

func (f *recordedFile) Write(p []byte) (int, error) {
	if err := f.r.note("write " + f.name); err != nil {
		n, _ := f.file.Write(p[:len(p)/2]) // as a full disk does
		return n, err
	}
	return f.file.Write(p)
}

func (f *recordedFile) Sync() error {
	if err := f.r.note("sync " + f.name); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *recordedFile) Close() error {
	return errors.Join(f.r.note("close "+f.name), f.file.Close())
}

// testHeader is the header of the tests' runs.
type testHeader struct {
	Command string `json:"command"`
	Model   string `json:"model_sha256"`
	Version string `json:"version"`
}

// testRun does what a command does with a folder: claims names, writes them,
// records them, writes a file of the whole run, and finishes.
func testRun(folder string, d disk, opt Options, names ...string) error {
	f, err := openFolder(folder, d)
	if err != nil {
		return err
	}
	defer f.Close()
	ctx := context.Background()
	j, err := OpenJournal(ctx, f, testHeader{"segment", "m", "v"}, opt)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			j.Close()
		}
	}()
	var all, paths []string
	for _, n := range names {
		all = append(all, n+".mask.png", n+".json")
		paths = append(paths, n+".jpg")
	}
	if err := j.Claim(all, []string{"coco.json"}); err != nil {
		return err
	}
	for i, n := range names {
		if j.Finished(ctx, paths[i], "sha") {
			continue
		}
		e := Entry{Path: paths[i], SHA256: "sha"}
		for _, out := range []string{n + ".mask.png", n + ".json"} {
			w, err := j.Write(out, []byte("content of "+out))
			if err != nil {
				return err
			}
			e.Outputs = append(e.Outputs, w)
		}
		if err := j.Add(e.Path, e); err != nil {
			return err
		}
	}
	if err := j.WriteRun("coco.json", []byte("{}")); err != nil {
		return err
	}
	done = true
	return j.Finish(j.WithEarlier(ctx, paths))
}

// content is all that is in a folder, by name.
func content(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(folder, path)
		all[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

//go:build unix

package outputs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestNoLinks: nothing is written, emptied or removed through a link below the
// output folder, whatever it is named.
func TestNoLinks(t *testing.T) {
	for name, plant := range map[string]func(folder, victim string) error{
		"journal":       func(folder, victim string) error { return os.Symlink(victim, filepath.Join(folder, JournalName)) },
		"journal, hard": func(folder, victim string) error { return os.Link(victim, filepath.Join(folder, JournalName)) },
		"results":       func(folder, victim string) error { return os.Symlink(victim, filepath.Join(folder, ResultsName)) },
		"output":        func(folder, victim string) error { return os.Symlink(victim, filepath.Join(folder, "a.mask.png")) },
		"subfolder": func(folder, victim string) error {
			return os.Symlink(filepath.Dir(victim), filepath.Join(folder, "sub"))
		},
		"subfolder inside": func(folder, victim string) error {
			if err := os.Mkdir(filepath.Join(folder, "other"), 0o755); err != nil {
				return err
			}
			return os.Symlink("other", filepath.Join(folder, "sub"))
		},
		"journal is a FIFO": func(folder, victim string) error { return syscall.Mkfifo(filepath.Join(folder, JournalName), 0o644) },
		"results is a FIFO": func(folder, victim string) error { return syscall.Mkfifo(filepath.Join(folder, ResultsName), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			folder, victim := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "b.json")
			// What a run of ours would go on with, so that only the link is in its way.
			text := `{"command":"segment","model_sha256":"m","version":"v"}` + "\n"
			put(t, victim, text)
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := plant(folder, victim); err != nil {
				t.Fatal(err)
			}
			if err := testRun(folder, system{}, Options{}, "a", "sub/b"); err == nil {
				t.Error("the run says nothing")
			}
			for _, overwrite := range []bool{false, true} {
				testRun(folder, system{}, Options{Overwrite: overwrite}, "a", "sub/b")
				if data, err := os.ReadFile(victim); err != nil || string(data) != text {
					t.Errorf("overwrite %t: the victim has %q, %v", overwrite, data, err)
				}
				if entries, err := os.ReadDir(filepath.Join(folder, "other")); err == nil && len(entries) > 0 {
					t.Errorf("overwrite %t: %v was written through the link", overwrite, entries)
				}
				if entries, _ := os.ReadDir(filepath.Dir(victim)); len(entries) != 1 {
					t.Errorf("overwrite %t: beside the victim lie %v", overwrite, entries)
				}
			}
		})
	}
}

// TestForeignFiles: a file that no record knows is neither swept nor replaced.
func TestForeignFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	theirs := map[string]string{".crate-vk-x.png": "x", ".crate-vk-x-1.tmp": "y", "sub/.crate-vk-1.tmp": "z", "readme": "w", "sub/b.json": "v"}
	for name, text := range theirs {
		put(t, filepath.Join(folder, name), text)
	}
	var foreign *ForeignError
	if err := testRun(folder, system{}, Options{}, "a", "sub/b"); !errors.As(err, &foreign) || len(foreign.Names) != 1 || foreign.Names[0] != "sub/b.json" {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "a.mask.png")); err == nil {
		t.Error("something was written all the same")
	}
	if err := testRun(folder, system{}, Options{Overwrite: true, Inputs: map[string]bool{"sub/b.json": true}}, "a", "sub/b"); !errors.As(err, &foreign) || !foreign.Inputs {
		t.Fatalf("over an input: %v", err)
	}
	if got := content(t, folder)["sub/b.json"]; got != "v" {
		t.Fatalf("an input has %q", got)
	}
	if err := testRun(folder, system{}, Options{Overwrite: true}, "a", "sub/b"); err != nil {
		t.Fatal(err)
	}
	got := content(t, folder)
	delete(theirs, "sub/b.json")
	for name, text := range theirs {
		if got[name] != text {
			t.Errorf("%s has %q, want %q", name, got[name], text)
		}
	}
	// Now they are ours.
	if err := os.Remove(filepath.Join(folder, "sub/b.json")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "a.mask.png"), "damaged")
	if err := testRun(folder, system{}, Options{}, "a", "sub/b"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, folder); got["sub/b.json"] != "content of sub/b.json" || got["a.mask.png"] != "content of a.mask.png" {
		t.Errorf("what was lost was not made again: %v", got)
	}
}

// TestSweep: what a killed run was writing is removed, in every folder where it
// may have been, and nothing else that looks like it.
func TestSweep(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	f, err := OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(context.Background(), f, testHeader{"segment", "m", "v"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Claim([]string{"a.mask.png", "a.json", "sub/deep/b.mask.png", "sub/deep/b.json"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "sub/deep"} {
		put(t, filepath.Join(folder, dir, f.temp()), "half")
	}
	theirs := []string{".crate-vk-x.png", ".crate-vk-another-1.tmp", "sub/deep/.crate-vk-" + f.token + ".tmp", "sub/.crate-vk-" + f.token + "-1.tmp"}
	for _, name := range theirs { // the last lies where the run wrote nothing
		put(t, filepath.Join(folder, name), "theirs")
	}
	f.Close() // killed: the journal stays
	if err := testRun(folder, system{}, Options{}, "a", "sub/deep/b"); err != nil {
		t.Fatal(err)
	}
	for name := range content(t, folder) {
		if strings.HasPrefix(filepath.Base(name), ".") && !slices.Contains(theirs, name) {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range theirs {
		if content(t, folder)[name] != "theirs" {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestLock: a second run in the folder is refused, and takes over once the first is
// gone.
func TestLock(t *testing.T) {
	folder := t.TempDir()
	f, err := OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(folder); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	f.Close()
	g, err := OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
}

// TestTornJournal: a line that a crash cut off is passed over, and what comes after
// it is not.
func TestTornJournal(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	f, err := OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Journal {
		j, err := OpenJournal(context.Background(), f, testHeader{"segment", "m", "v"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	add := func(j *Journal, path string) {
		if err := j.Add(path, Entry{Path: path, SHA256: "sha"}); err != nil {
			t.Fatal(err)
		}
	}
	j := open()
	add(j, "first")
	j.append([]byte(`{"path":"torn","sha2`))
	j.Close()
	j = open()
	add(j, "second")
	j.Close()
	j = open()
	ctx := context.Background()
	if !j.Finished(ctx, "first", "sha") || !j.Finished(ctx, "second", "sha") || j.Finished(ctx, "torn", "sha") {
		t.Errorf("finished: first %t, second %t, torn %t", j.Finished(ctx, "first", "sha"), j.Finished(ctx, "second", "sha"), j.Finished(ctx, "torn", "sha"))
	}
	if err := j.Finish([]string{"first", "second"}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := strings.Count(content(t, folder)[ResultsName], "\n"); got != 3 {
		t.Errorf("results.jsonl has %d lines, want 3: %s", got, content(t, folder)[ResultsName])
	}
}

// TestTornHeader: a run that was killed before its first line was whole.
func TestTornHeader(t *testing.T) {
	for _, text := range []string{"", `{"command":"seg`, `{"command":"segment","model_sha256":"m","version":"v"}`} {
		folder := t.TempDir()
		put(t, filepath.Join(folder, JournalName), text)
		r := &recorder{fail: 12, err: syscall.EIO}
		if err := testRun(folder, r, Options{}, "a"); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		if err := testRun(folder, system{}, Options{}, "a"); err != nil {
			t.Errorf("after %q: %v", text, err)
		}
	}
}

// TestNotOurs: a file of the name of a record that holds none is left alone.
func TestNotOurs(t *testing.T) {
	for _, name := range []string{ResultsName, JournalName} {
		for what, text := range map[string]string{"text": "my notes\n", "JSON": "{\"path\":\"a\"}\n", "one line": strings.Repeat("x", 2<<20), "no line": "x", "no line of JSON": "{\"command\":\"se\"}"} {
			folder := t.TempDir()
			put(t, filepath.Join(folder, name), text)
			if err := testRun(folder, system{}, Options{}, "a"); !errors.Is(err, ErrOtherRun) {
				t.Errorf("%s, %s: got %v", name, what, err)
			}
			if got := content(t, folder); got[name] != text || len(got) != 1 {
				t.Errorf("%s, %s: the folder has %d files", name, what, len(got))
			}
			if run, err := ReadRun(context.Background(), folder); run != nil || err != nil {
				t.Errorf("%s, %s: it counts as a run: %v, %v", name, what, run, err)
			}
		}
	}
}

// TestEarlierResults: a run over other images keeps the records of those that
// are done, and overwriting removes what they made and nothing else.
func TestEarlierResults(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	for _, name := range []string{"b", "a"} {
		if err := testRun(folder, system{}, Options{}, name); err != nil {
			t.Fatal(err)
		}
	}
	run, err := ReadRun(context.Background(), folder)
	if err != nil || len(run.Inputs) != 2 || !run.Outputs["a.json"] || !run.Outputs["b.mask.png"] {
		t.Fatalf("got %+v, %v", run, err)
	}
	put(t, filepath.Join(folder, "b.json"), "edited by its owner")
	if err := testRun(folder, system{}, Options{Overwrite: true}, "c"); err != nil {
		t.Fatal(err)
	}
	got := content(t, folder)
	if got["b.json"] != "edited by its owner" || got["a.json"] != "" || got["b.mask.png"] != "" || got["c.json"] == "" {
		t.Errorf("got %v", got)
	}
}

// TestForeignClaims: a journal or results that claim names which no run writes give
// the run no trouble, and nothing of that name is touched.
func TestForeignClaims(t *testing.T) {
	for _, name := range []string{"../victim", "/victim", "a/../../victim", "a//b", "./a", "a/", "..", ".", "/", "a/.."} {
		for _, file := range []string{ResultsName, JournalName} {
			dir := t.TempDir()
			folder := filepath.Join(dir, "out")
			put(t, filepath.Join(dir, "victim"), "victim")
			if err := testRun(folder, system{}, Options{}, "a"); err != nil {
				t.Fatal(err)
			}
			results, err := os.ReadFile(filepath.Join(folder, ResultsName))
			if err != nil {
				t.Fatal(err)
			}
			header, _, _ := strings.Cut(string(results), "\n")
			record := header + "\n" + `{"token":"T"}` + "\n" + `{"path":"x","outputs":[{"file":"` + name + `","bytes":6}],"claims":["` + name + `"]}` + "\n"
			if file == ResultsName {
				record = string(results) + record[len(header)+1:]
			}
			put(t, filepath.Join(folder, file), record)
			for _, opt := range []Options{{}, {Overwrite: true}} {
				if err := testRun(folder, system{}, opt, "b"); err != nil {
					t.Errorf("%s claims %q: %v", file, name, err)
				}
			}
			if got := content(t, dir); got["victim"] != "victim" || got["out/b.json"] == "" {
				t.Errorf("%s claims %q: %v", file, name, got)
			}
		}
	}
}

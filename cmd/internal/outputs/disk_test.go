package outputs

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOrder: names are claimed, durably, before anything is written; a file is
// synced before it gets its name, and its folder after; the record comes after the
// outputs, results.jsonl after everything, and the journal goes last.
func TestOrder(t *testing.T) {
	r := &recorder{}
	folder := filepath.Join(t.TempDir(), "out")
	if err := testRun(folder, r, Options{}, "sub/a"); err != nil {
		t.Fatal(err)
	}
	const output = `create TEMP
write TEMP
sync TEMP
close TEMP
rename TEMP NAME
sync folder FOLDER
`
	place := func(name, folder string) string {
		return strings.NewReplacer("NAME", name, "FOLDER", folder).Replace(output)
	}
	want := `create .crate-vk.journal
sync folder out
write .crate-vk.journal
write .crate-vk.journal
write .crate-vk.journal
sync .crate-vk.journal
mkdir sub
sync folder out
` + place("a.mask.png", "sub") + place("a.json", "sub") + `write .crate-vk.journal
` + place("coco.json", "out") + `sync .crate-vk.journal
create TEMP
write TEMP
sync TEMP
close TEMP
rename TEMP results.jsonl
sync folder out
close .crate-vk.journal
remove .crate-vk.journal
sync folder out
`
	got := strings.ReplaceAll(r.log()+"\n", "sync folder .\n", "sync folder out\n")
	if got != want {
		t.Errorf("got:\n%s\n\nwant:\n%s", got, want)
	}
}

// TestFailures: whichever call fails, and with what, the run says so, no name has a
// part of a file, and a run after it leaves what an undisturbed one does.
func TestFailures(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	count := &recorder{}
	if err := testRun(whole, count, Options{}, "a", "sub/b"); err != nil {
		t.Fatal(err)
	}
	want := content(t, whole)
	calls := len(count.calls)
	if calls < 30 {
		t.Fatalf("only %d calls", calls)
	}
	for n := 1; n <= calls; n++ {
		for _, cause := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}[n%3:][:1] {
			folder := filepath.Join(t.TempDir(), "out")
			r := &recorder{fail: n, err: &fs.PathError{Op: "write", Path: "x", Err: cause}}
			err := testRun(folder, r, Options{}, "a", "sub/b")
			failed := r.calls[n-1]
			if err != nil && !strings.Contains(err.Error(), "out") {
				t.Errorf("%v in call %d, %s: %v doesn't name the folder", cause, n, failed, err)
			}
			if !errors.Is(err, cause) && !strings.HasPrefix(failed, "close .crate-vk.journal") {
				t.Fatalf("%v in call %d, %s: the run says %v", cause, n, failed, err)
			}
			for name, data := range content(t, folder) {
				if name != JournalName && data != want[name] {
					t.Fatalf("%v in call %d, %s: %s has %q", cause, n, failed, name, data)
				}
			}
			if err := testRun(folder, system{}, Options{}, "a", "sub/b"); err != nil {
				t.Fatalf("after %v in call %d, %s: %v", cause, n, failed, err)
			}
			if got := content(t, folder); !maps.Equal(got, want) {
				t.Fatalf("after %v in call %d, %s: got %v, want %v", cause, n, failed, got, want)
			}
		}
	}
}

// TestJournalSynced: records are made to last in batches.
func TestJournalSynced(t *testing.T) {
	r := &recorder{}
	f, err := openFolder(filepath.Join(t.TempDir(), "out"), r)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	j, err := OpenJournal(context.Background(), f, testHeader{"segment", "m", "v"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for n := range 3 * syncEvery {
		if err := j.Add("x", Entry{Path: "x"}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Count(strings.Join(r.calls, "\n"), "sync "+JournalName), (n+1)/syncEvery; got != want {
			t.Fatalf("after %d records it was synced %d times, want %d", n+1, got, want)
		}
	}
}

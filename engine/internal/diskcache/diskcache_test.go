package diskcache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func names(t *testing.T, d Dir) []string {
	t.Helper()
	entries, err := os.ReadDir(string(d))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestReadsWhatWasWritten: the same bytes come back, text is readable, and a
// file that is missing is told from one that is corrupt.
func TestReadsWhatWasWritten(t *testing.T) {
	d := Dir(filepath.Join(t.TempDir(), "made", "on demand"))
	if _, err := d.Read("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	for _, body := range [][]byte{nil, []byte("{\"shape\": 1}\n"), bytes.Repeat([]byte{0, 255}, 5000)} {
		if err := d.Write("a", body); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Read("a"); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes come back as %d, %v", len(body), len(got), err)
		}
		if data, err := os.ReadFile(d.Path("a")); err != nil || !bytes.HasPrefix(data, body) || !strings.HasPrefix(string(data[len(body):]), "sha256 ") {
			t.Errorf("the file doesn't begin with its content: %q, %v", data[:min(len(data), 20)], err)
		}
	}
}

// TestCorrupt changes, cuts and lengthens a file at every byte.
func TestCorrupt(t *testing.T) {
	d := Dir(t.TempDir())
	if err := d.Write("a", []byte("twelve bytes")); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(d.Path("a"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(bad []byte) {
		t.Helper()
		if err := os.WriteFile(d.Path("a"), bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Read("a"); !errors.Is(err, ErrCorrupt) || errors.Is(err, fs.ErrNotExist) || got != nil {
			t.Errorf("%q is read as %q, %v", bad, got, err)
		}
	}
	for i := range good {
		check(good[:i])
		check(slices.Concat(good[:i], []byte{good[i] ^ 1}, good[i+1:]))
	}
	check(append(slices.Clone(good), '\n'))
}

// TestWritesAreWhole: whoever reads while others write finds one of the
// contents, and nothing but the file is left.
func TestWritesAreWhole(t *testing.T) {
	d := Dir(t.TempDir())
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 1000+5000*i) }
	if err := d.Write("a", body(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 20 {
				if err := d.Write("a", body(i)); err != nil {
					t.Error(err)
				}
				if got, err := d.Read("a"); err != nil || !bytes.Equal(got, body(int(got[0]))) {
					t.Errorf("%d bytes were read, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	if list := names(t, d); !slices.Equal(list, []string{"a"}) {
		t.Errorf("the folder holds %v", list)
	}
}

// TestFailedWriteLeavesTheFile: the old content stays where the new one can't
// be written, and no part of the new one is left.
func TestFailedWriteLeavesTheFile(t *testing.T) {
	d := Dir(t.TempDir())
	if err := os.MkdirAll(d.Path("a/full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Write("a", nil); err == nil {
		t.Error("a folder that is not empty was replaced")
	}
	if list := names(t, d); !slices.Equal(list, []string{"a"}) {
		t.Errorf("the folder holds %v", list)
	}
	if err := os.WriteFile(d.Path("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Dir(d.Path("file")).Write("b", nil); err == nil {
		t.Error("writing below a file succeeded")
	}
}

// TestNoFolder: without a folder all is missing and nothing is written.
func TestNoFolder(t *testing.T) {
	d := Dir("")
	if _, err := d.Read("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading gives %v", err)
	}
	if err := d.Write("a", nil); !errors.Is(err, ErrNoFolder) {
		t.Errorf("writing gives %v", err)
	}
}

// TestPrune: the files not used for longest go first, and only those with the
// suffix.
func TestPrune(t *testing.T) {
	d := Dir(t.TempDir())
	for i, name := range []string{"a.x", "b.x", "c.x", "d.x", "old.y"} {
		if err := d.Write(name, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(d.Path(name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	d.Touch("a.x")
	d.Touch("missing")
	d.Prune(".x", 2200)
	if list := names(t, d); !slices.Equal(list, []string{"a.x", "d.x", "old.y"}) {
		t.Errorf("left are %v", list)
	}
	d.Prune(".x", 0)
	if list := names(t, d); !slices.Equal(list, []string{"old.y"}) {
		t.Errorf("left are %v", list)
	}
}

// TestLarge: a large file that this package did not write is refused by its end.
func TestLarge(t *testing.T) {
	d := Dir(t.TempDir())
	const size = 256 << 20
	if err := os.WriteFile(d.Path("a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.Path("a"), size); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := d.Read("a")
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > size/16 {
		t.Errorf("%d bytes were allocated", got)
	}
}

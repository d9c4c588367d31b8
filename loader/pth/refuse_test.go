package pth

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/loader/weights"
)

var update = flag.Bool("update", false, "rewrite testdata/pth/bad/messages.txt")

// checkKind checks an error's type: refused, malformed or unsupported.
func checkKind(t *testing.T, name string, err error, want string) {
	t.Helper()
	var refused *RefusedError
	var format *weights.FormatError
	var unsupported *weights.UnsupportedError
	got := map[bool]string{true: "refused"}[errors.As(err, &refused)] +
		map[bool]string{true: "malformed"}[errors.As(err, &format)] +
		map[bool]string{true: "unsupported"}[errors.As(err, &unsupported)]
	if got != want {
		t.Errorf("%s: got %T %v, want it %s", name, err, err, want)
	}
	if err != nil && (len(err.Error()) > 600 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f })) {
		t.Errorf("%s: the message is long or has control characters: %q", name, err)
	}
}

// readAll opens a file and reads its tensors up to the first error.
func readAll(open func() (*File, error)) error {
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	for _, info := range f.Tensors() {
		if _, err := f.ReadRaw(info.Name); err != nil {
			return err
		}
	}
	return nil
}

// spent is the processor time and the memory that a function takes, whatever else
// the machine does: all that it allocates, which is more than what is ever live.
func spent(run func()) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := processor()
	run()
	took := processor() - start
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// TestBad has the files that make.py puts together: hostile ones, broken ones, and
// unusual ones that are read. Their messages are listed in messages.txt.
func TestBad(t *testing.T) {
	paths, err := filepath.Glob(folder + "bad/*.pth")
	if err != nil || len(paths) < 170 {
		t.Fatalf("%d files (%v)", len(paths), err)
	}
	var messages strings.Builder
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".pth")
		if strings.HasPrefix(name, "ok.") {
			checkOK(t, path)
			continue
		}
		var err error
		took, mem := spent(func() { err = readAll(func() (*File, error) { return Open(path) }) })
		if checkKind(t, name, err, name[strings.LastIndexByte(name, '.')+1:]); err == nil {
			continue
		}
		if took > 10*time.Second || mem > 64<<20 {
			t.Errorf("%s: takes %v and %d MB, want 1 s and 64 MB", name, took, mem>>20)
		}
		what, ok := strings.CutPrefix(err.Error(), path+": ")
		if !ok {
			t.Errorf("%s: the message doesn't start with the path: %v", name, err)
		}
		fmt.Fprintf(&messages, "%s: %s\n", name, what)
	}
	list := folder + "bad/messages.txt"
	if *update {
		if err := os.WriteFile(list, []byte(messages.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(messages.String(), "\n"), strings.Split(string(data), "\n")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("a message that isn't listed:\n\t%s", line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d messages are listed, got %d", len(want), len(got))
	}
	if _, err := os.Stat("/tmp/crate-vk-was-here"); err == nil {
		t.Error("a checkpoint ran a command")
	}
}

// checkOK reads an unusual file, each of whose tensors is w = [1 2].
func checkOK(t *testing.T, path string) {
	f := open(t, path)
	if len(f.Tensors()) == 0 {
		t.Errorf("%s: has no tensors", path)
	}
	for _, info := range f.Tensors() {
		v, err := f.ReadF64(info.Name)
		if err != nil || !slices.Equal(v, []float64{1, 2}) || !slices.Equal(strings.Split(info.Name, ".")[strings.Count(info.Name, "."):], []string{"w"}) {
			t.Errorf("%s: %s is %v (%v)", path, info.Name, v, err)
		}
	}
}

// TestCut cuts a good file of each format everywhere, and spoils each of its bytes:
// no byte may lead to a fault, and no cut to a file that opens.
func TestCut(t *testing.T) {
	legacy, err := os.ReadFile(folder + "bad/ok.python2.pth")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"zip": one(), "legacy": legacy} {
		for at := range data {
			if f, err := openBytes(data[:at]); err == nil {
				t.Fatalf("%s: opens when cut to %d bytes, with %v", name, at, f.Tensors())
			}
			for _, c := range []byte{0, 0xff, data[at] ^ 1, data[at] ^ 0x80, '.', 'R', 'c'} {
				spoilt := slices.Clone(data)
				spoilt[at] = c
				err := readAll(func() (*File, error) { return openBytes(spoilt) })
				var refused *RefusedError
				var format *weights.FormatError
				var unsupported *weights.UnsupportedError
				if err != nil && !errors.As(err, &refused) && !errors.As(err, &format) && !errors.As(err, &unsupported) {
					t.Fatalf("%s: byte %d as %#x: %T %v", name, at, c, err, err)
				}
			}
		}
	}
}

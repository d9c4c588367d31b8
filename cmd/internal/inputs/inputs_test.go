//go:build unix

package inputs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const png = "\x89PNG\r\n\x1a\n"

// tree makes files, links and special files in a new folder: what a name ends with
// says which.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	top := t.TempDir()
	for _, name := range names {
		name, target, link := strings.Cut(name, " -> ")
		name, special, _ := strings.Cut(name, " = ")
		path := filepath.Join(top, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, path)
		case special == "fifo":
			err = syscall.Mkfifo(path, 0o644)
		case special == "socket":
			var l net.Listener
			if l, err = net.Listen("unix", path); err == nil {
				t.Cleanup(func() { l.Close() })
			}
		case special == "dir":
			err = os.MkdirAll(path, 0o755)
		case special == "report":
			err = os.WriteFile(path, []byte(`{"settings":"s","version":"v","models":[]}`), 0o644)
		case special == "run":
			err = os.WriteFile(path, []byte(`{"command":"segment","model_sha256":"m","version":"v"}`+"\n"+
				`{"path":"photo.jpg","outputs":[{"file":"photo.mask.png"},{"file":"sub/photo.overlay.png"}]}`+"\n"), 0o644)
		default:
			err = os.WriteFile(path, []byte(png), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// list lists what is below some folders of a tree, with what was said about it.
func list(t *testing.T, top string, opt Options, paths ...string) (found, said []string) {
	t.Helper()
	for i, p := range paths {
		if p != "-" && !filepath.IsAbs(p) {
			paths[i] = filepath.Join(top, p)
		}
	}
	opt.Notice = func(format string, args ...any) {
		said = append(said, "notice: "+strings.ReplaceAll(fmt.Sprintf(format, args...), top+"/", ""))
	}
	opt.Problem = func(path string, err error) {
		said = append(said, "problem: "+strings.TrimPrefix(path, top+"/")+": "+err.Error())
	}
	type result struct {
		list []Input
		err  error
	}
	done := make(chan result, 1)
	go func() {
		list, err := List(context.Background(), paths, opt)
		done <- result{list, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			t.Fatal(r.err)
		}
		for _, in := range r.list {
			found = append(found, in.Rel)
		}
	case <-time.After(time.Minute):
		t.Fatal("List hangs")
	}
	return found, said
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		name        string
		tree, paths []string
		opt         Options
		found, said []string
	}{
		{name: "special files in a folder",
			tree: []string{"a.png", "b.png = fifo", "c.png = socket", "d = fifo", "e.png -> /dev/zero", "f.png -> f.png", "g.png -> nowhere", "h -> nowhere", "x.png/in.png"}, paths: []string{"."},
			found: []string{"a.png", "x.png/in.png"},
			said: []string{"problem: b.png: a FIFO, want a regular file",
				"problem: c.png: a socket, want a regular file",
				"notice: d: passed over: a FIFO",
				"problem: e.png: a device, want a regular file",
				"problem: f.png: a loop of symbolic links",
				"problem: g.png: a symbolic link that leads to nothing: no such file or directory",
				"notice: h: passed over: a symbolic link that leads to nothing: no such file or directory"}},
		{name: "special files by name", tree: []string{"p = fifo", "a.png"}, paths: []string{"p", "/dev/zero", "a.png", "missing.png"}, opt: Options{Stdin: true},
			found: []string{"a.png"},
			said: []string{"problem: p: a FIFO, want a regular file (- reads an image from standard input)",
				"problem: /dev/zero: a device, want a regular file (- reads an image from standard input)",
				"problem: missing.png: no such file or directory"}},
		{name: "links to folders", tree: []string{"in/a.png", "in/more -> ../other", "other/b.png"}, paths: []string{"in"},
			found: []string{"a.png"}, said: []string{"notice: in/more: passed over: a symbolic link to a folder (--follow walks into those)"}},
		{name: "links to folders, followed", tree: []string{"in/a.png", "in/more -> ../other", "other/b.png", "other/back -> ../in", "other/self -> .", "in/z -> ../other"}, paths: []string{"in"}, opt: Options{Follow: true},
			found: []string{"a.png", "more/b.png"}},
		{name: "links to files", tree: []string{"a.png", "b.png -> a.png"}, paths: []string{"."}, found: []string{"a.png", "b.png"}},
		{name: "twice", tree: []string{"in/a.png", "in/b.png", "also -> in"}, paths: []string{"in/b.png", "in", "./in/", "in/a.png", "also/b.png", "also"}, found: []string{"b.png", "in/a.png"}},
		{name: "standard input", paths: []string{"-", "-"}, opt: Options{Stdin: true}, found: []string{"stdin"}},
		{name: "a run's folder", tree: []string{"a.png", "out/results.jsonl = run", "out/photo.mask.png", "out/stale.png"}, paths: []string{"."},
			found: []string{"a.png"}, said: []string{"notice: out: passed over: it holds the results of a run of crate-vk (name its files to use them)"}},
		{name: "a run's folder by name", tree: []string{"out/results.jsonl = run", "out/photo.mask.png"}, paths: []string{"out", "out/photo.mask.png"},
			found: []string{"photo.mask.png"}, said: []string{"notice: out: passed over: it holds the results of a run of crate-vk (name its files to use them)"}},
		{name: "an interrupted run's folder", tree: []string{"out/.crate-vk.journal = run", "out/photo.mask.png"}, paths: []string{"."},
			said: []string{"notice: out: passed over: it holds the results of a run of crate-vk (name its files to use them)"}},
		{name: "outputs beside inputs", tree: []string{"in/results.jsonl = run", "in/photo.jpg", "in/photo.mask.png", "in/mine.mask.png", "in/sub/photo.overlay.png", "in/sub/new.png"}, paths: []string{"."},
			found: []string{"in/mine.mask.png", "in/photo.jpg", "in/sub/new.png"}},
		{name: "below outputs beside inputs", tree: []string{"in/results.jsonl = run", "in/photo.jpg", "in/sub/photo.overlay.png", "in/sub/new.png"}, paths: []string{"in/sub"}, found: []string{"new.png"}},
		{name: "a report of analyze", tree: []string{"a.png", "curves/layers.json = report", "curves/sparsity.svg", "curves/coding-rate.svg", "curves/other.svg", "mine/sparsity.svg"}, paths: []string{"."},
			found: []string{"a.png", "curves/other.svg", "mine/sparsity.svg"}},
		{name: "a folder without images among others", tree: []string{"a.png", "b.png", "x.png = dir", "in/b.png"}, paths: []string{"a.png", "x.png", "in", "in/"},
			found: []string{"a.png", "in/b.png"}, said: []string{"notice: x.png: there is no image in it"}},
		{name: "a folder whose images are taken", tree: []string{"in/b.png"}, paths: []string{"in/b.png", "in"}, found: []string{"b.png"}},
		{name: "somebody else's results", tree: []string{"in/results.jsonl", "in/photo.mask.png"}, paths: []string{"in"}, found: []string{"photo.mask.png", "results.jsonl"}},
		{name: "the output folder", tree: []string{"in/a.png", "in/out/b.png"}, paths: []string{"in"}, opt: Options{Exclude: "in/out"}, found: []string{"a.png"}},
		{name: "two folders of one name", tree: []string{"a/images/x.png", "b/images/x.png"}, paths: []string{"a/images", "b/images"}, found: []string{"images/x.png", "images/x.png"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := tree(t, c.tree...)
			if c.opt.Exclude != "" {
				c.opt.Exclude = filepath.Join(top, c.opt.Exclude)
			}
			found, said := list(t, top, c.opt, slices.Clone(c.paths)...)
			if !slices.Equal(found, c.found) {
				t.Errorf("found %q, want %q", found, c.found)
			}
			if !slices.Equal(said, c.said) {
				t.Errorf("said\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(c.said, "\n"))
			}
		})
	}
}

// TestUnreadableFolder: the rest is found.
func TestUnreadableFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	top := tree(t, "a.png", "closed/b.png", "z.png")
	if err := os.Chmod(filepath.Join(top, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(top, "closed"), 0o755)
	found, said := list(t, top, Options{}, ".")
	if !slices.Equal(found, []string{"a.png", "z.png"}) || !slices.Equal(said, []string{"problem: closed: permission denied"}) {
		t.Errorf("found %q, said %q", found, said)
	}
}

// TestSparse: a terabyte that isn't there is not read to see what it is.
func TestSparse(t *testing.T) {
	top := tree(t, "a", "b.png")
	for _, name := range []string{"a", "b.png"} {
		if err := os.Truncate(filepath.Join(top, name), 1<<40); err != nil {
			t.Skip("no sparse files here:", err)
		}
	}
	if found, _ := list(t, top, Options{}, "."); len(found) != 2 {
		t.Errorf("found %q", found)
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb":                                 "a|b",
		"\ufeffa\n\nb\r\n":                     "a|b",
		"\xff\xfea\x00\n\x00":                  "error: the list is UTF-16, want UTF-8",
		"a\x00b\n":                             "error: line 1 has a zero byte, want one path a line (--null reads paths that end with one)",
		"a\n" + strings.Repeat("x", maxLine+1): "a|error: line 2 has more than 65536 bytes, want one path a line",
	} {
		var got []string
		err := Lines(context.Background(), strings.NewReader(text), false, func(p string) bool {
			got = append(got, p)
			return true
		})
		if err != nil {
			got = append(got, "error: "+err.Error())
		}
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%.20q: got %q, want %q", text, s, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Lines(ctx, strings.NewReader("a\n"), false, func(string) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

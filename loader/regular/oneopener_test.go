package regular

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// opening are the functions that open, or may open, a file for reading.
func opening() map[string][]string {
	return map[string][]string{
		"os":                       {"Open", "OpenFile", "ReadFile", "OpenInRoot", "OpenRoot", "DirFS", "CopyFS"},
		"io/ioutil":                {"ReadFile"},
		"syscall":                  {"Open", "Openat", "Mmap"},
		"golang.org/x/sys/unix":    {"Open", "Openat", "Openat2", "Mmap"},
		"golang.org/x/sys/windows": {"Open", "CreateFile", "MapViewOfFile"},
		"html/template":            {"ParseFiles", "ParseGlob", "ParseFS"},
		"text/template":            {"ParseFiles", "ParseGlob", "ParseFS"},
	}
}

// exempt are the files that may, and why.
func exempt() map[string]string {
	return map[string]string{
		"loader/regular/regular.go":            "the opener",
		"loader/memory/limits_linux.go":        "reads what the kernel says of this process, below /proc and /sys",
		"engine/drivers/permission.go":         "opens a GPU's node to see whether it may; reads nothing",
		"cmd/internal/outputs/lock_windows.go": "makes a file that is a lock",
		"cmd/internal/outputs/disk.go":         "opens output folders and makes files in them",
		"cmd/crate-vk-view/newfile.go":         "makes files that were not there",
	}
}

// exemptPackages are programs for developers, which read what they wrote, or the
// sources of this module, and what serves tests alone.
func exemptPackages() []string {
	return []string{"cmd/internal/peers", "cmd/internal/gpureport", "cmd/internal/vendors", "cmd/internal/mutate", "shaders/build", "engine/internal/devicetest", "cmd/internal/xvfb"}
}

// TestOneOpener: whatever this module reads goes through Open.
func TestOneOpener(t *testing.T) {
	root := filepath.Join("..", "..")
	files, used := 0, map[string]bool{}
	err := filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(at, root+string(filepath.Separator)))
		if e.IsDir() {
			if at != root && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(exemptPackages(), path.Dir(name)) {
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, call := range opens(f) {
			if exempt()[name] == "" {
				t.Errorf("%s uses %s: read files through loader/regular", name, call)
			}
			used[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were looked at", files)
	}
	for name, why := range exempt() {
		if !used[name] {
			t.Errorf("%s (%s) opens nothing any more: take it off the list", name, why)
		}
	}
}

// opens lists the uses of such a function in a file, under whatever name its
// package is imported.
func opens(f *ast.File) (uses []string) {
	packages := map[string]string{}
	for _, imp := range f.Imports {
		from, _ := strconv.Unquote(imp.Path.Value)
		if opening()[from] == nil {
			continue
		}
		as := path.Base(from)
		if imp.Name != nil {
			as = imp.Name.Name
		}
		if as == "." {
			uses = append(uses, "a dot import of "+from)
		}
		packages[as] = from
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(opening()[packages[x.Name]], sel.Sel.Name) {
				uses = append(uses, x.Name+"."+sel.Sel.Name)
			}
			// A root's methods: the receiver can have any name.
			if slices.Contains([]string{"OpenFile", "ReadFile"}, sel.Sel.Name) && packages["os"] != "" {
				if x, ok := sel.X.(*ast.Ident); !ok || packages[x.Name] == "" {
					uses = append(uses, "."+sel.Sel.Name)
				}
			}
		}
		return true
	})
	return uses
}

// TestOpens: the search finds what it is for.
func TestOpens(t *testing.T) {
	for src, want := range map[string]int{
		`import "os"; var _ = os.Open`:                              1,
		`import "os"; func f(r *os.Root) { r.OpenFile("x", 0, 0) }`: 1,
		`import o "os"; func f() { o.ReadFile("x"); o.Stat("x") }`:  1,
		`import . "os"; var _ = ReadFile`:                           1,
		`import "syscall"; func f() { syscall.Open("x", 0, 0) }`:    1,
		`import "os"; func f() { os.Lstat("x"); os.Remove("x") }`:   0,
		`import os "strings"; func f() { os.Open() }`:               0,
		`import "html/template"; var _ = template.ParseFiles`:       1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package p; "+src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := opens(f); len(got) != want {
			t.Errorf("%s: found %v, want %d", src, got, want)
		}
	}
}

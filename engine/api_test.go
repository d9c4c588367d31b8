package engine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/crate-vk/crate-vk/"

var updateAPI = flag.Bool("update-api", false, "write testdata/api/engine.txt anew")

// TestAPI holds everything that a program can reach through package engine against a
// file: each name, and each field and method of the types that it names, in our other
// packages, too. A line that changes may break somebody's program.
func TestAPI(t *testing.T) {
	got := strings.Join(surface(t), "\n") + "\n"
	const path = "../testdata/api/engine.txt"
	if *updateAPI {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	have, had := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for _, line := range had {
		if !slices.Contains(have, line) {
			t.Errorf("gone: %s", line)
		}
	}
	for _, line := range have {
		if !slices.Contains(had, line) {
			t.Errorf("new: %s", line)
		}
	}
	t.Error("go test ./engine -run TestAPI -update-api accepts this; docs/embedding.md says what may change when")
}

// enginePackage is package engine, as the compiler exports it.
func enginePackage(t *testing.T) *types.Package {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", module+"engine").Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	pkg, err := imp.Import(module + "engine")
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// surface lists what can be reached, a line each.
func surface(t *testing.T) []string {
	pkg := enginePackage(t)
	s := &surfaces{seen: map[*types.TypeName]bool{}}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			s.object(obj)
		}
	}
	slices.Sort(s.lines)
	return slices.Compact(s.lines)
}

type surfaces struct {
	lines []string
	seen  map[*types.TypeName]bool
}

func short(p *types.Package) string { return p.Name() }

// keyed reports what only our own packages can use: it wants a type below
// engine/internal.
func keyed(typ types.Type) bool { return strings.Contains(typ.String(), "/internal/") }

func (s *surfaces) add(typ types.Type, format string, args ...any) {
	if !keyed(typ) {
		s.lines = append(s.lines, fmt.Sprintf(format, args...)+" "+types.TypeString(typ, short))
		s.reach(typ)
	}
}

func (s *surfaces) object(obj types.Object) {
	name := obj.Pkg().Name() + "." + obj.Name()
	switch obj := obj.(type) {
	case *types.TypeName:
		if obj.IsAlias() {
			s.add(types.Unalias(obj.Type()), "%s =", name)
		} else {
			s.reach(obj.Type())
		}
	case *types.Const:
		s.add(obj.Type(), "%s = %s", name, obj.Val())
	default:
		s.add(obj.Type(), "%s", name)
	}
}

// reach adds the types that a type names.
func (s *surfaces) reach(typ types.Type) {
	switch typ := types.Unalias(typ).(type) {
	case *types.Named:
		for arg := range typ.TypeArgs().Types() {
			s.reach(arg)
		}
		s.named(typ.Origin())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels, maps
		if m, ok := typ.(*types.Map); ok {
			s.reach(m.Key())
		}
		s.reach(typ.Elem())
	case *types.Signature:
		for v := range typ.Params().Variables() {
			s.reach(v.Type())
		}
		for v := range typ.Results().Variables() {
			s.reach(v.Type())
		}
	}
}

func (s *surfaces) named(typ *types.Named) {
	obj := typ.Obj()
	if obj.Pkg() == nil || !strings.HasPrefix(obj.Pkg().Path()+"/", module) || s.seen[obj] || keyed(typ) || !obj.Exported() {
		return
	}
	s.seen[obj] = true
	name := obj.Pkg().Name() + "." + obj.Name()
	switch under := typ.Underlying().(type) {
	case *types.Struct:
		s.lines = append(s.lines, name+" struct")
		for f := range under.Fields() {
			if f.Exported() && f.Embedded() {
				s.add(f.Type(), "%s embeds", name)
			} else if f.Exported() {
				s.add(f.Type(), "%s.%s", name, f.Name())
			}
		}
	case *types.Interface:
		s.lines = append(s.lines, name+" interface")
		for m := range under.ExplicitMethods() {
			if m.Exported() {
				s.add(m.Type(), "%s.%s", name, m.Name())
			}
		}
	default:
		if _, ok := under.(*types.Signature); ok && keyed(under) {
			return
		}
		s.lines = append(s.lines, name+" "+types.TypeString(under, short))
		s.reach(under)
	}
	for m := range typ.Methods() {
		if m.Exported() {
			s.add(m.Type(), "(%s).%s", name, m.Name())
		}
	}
	for _, n := range obj.Pkg().Scope().Names() { // the type's constants
		if c, ok := obj.Pkg().Scope().Lookup(n).(*types.Const); ok && c.Exported() && types.Identical(c.Type(), typ) {
			s.lines = append(s.lines, fmt.Sprintf("%s.%s = %s %s", obj.Pkg().Name(), c.Name(), c.Val(), name))
		}
	}
}

// TestExamples: each name of the API, but for its fields, is used by an example or by
// a program of testdata/embed.
func TestExamples(t *testing.T) {
	used := map[string]bool{}
	read := func(path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				used[sel.Sel.Name] = true
			}
			return true
		})
	}
	files, err := filepath.Glob("example*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	err = filepath.WalkDir("../testdata/embed", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		read(f)
	}
	pkg := enginePackage(t)
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() || keyed(obj.Type()) {
			continue
		}
		if !used[name] {
			t.Errorf("no example uses engine.%s", name)
		}
		named, ok := obj.Type().(*types.Named) // of this package, so no alias
		if _, isType := obj.(*types.TypeName); !ok || !isType {
			continue
		}
		for m := range named.Methods() {
			// What the standard library calls needs no example.
			if m.Exported() && !keyed(m.Type()) && !used[m.Name()] && !slices.Contains([]string{"Error", "Unwrap", "Is", "String"}, m.Name()) {
				t.Errorf("no example uses (engine.%s).%s", name, m.Name())
			}
		}
	}
}

package vk_test

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestSameAPI: the package has the same exported functions, methods and types
// with and without cgo.
func TestSameAPI(t *testing.T) {
	with, without := api(t, true), api(t, false)
	if len(with) < 60 {
		t.Errorf("only %d declarations were looked at", len(with))
	}
	for _, d := range with {
		if !slices.Contains(without, d) {
			t.Errorf("only with cgo: %s", d)
		}
	}
	for _, d := range without {
		if !slices.Contains(with, d) {
			t.Errorf("only without cgo: %s", d)
		}
	}
}

// api is a line for each exported function, method and type of a build.
func api(t *testing.T, cgo bool) []string {
	t.Helper()
	ctx := build.Default
	ctx.CgoEnabled = cgo
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if ok, err := ctx.MatchFile(".", e.Name()); err != nil || !ok || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			list = append(list, exported(fset, d)...)
		}
	}
	return list
}

func exported(fset *token.FileSet, d ast.Decl) (list []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
			var text bytes.Buffer
			signature := *d
			signature.Doc, signature.Body = nil, nil
			printer.Fprint(&text, fset, &signature)
			list = append(list, text.String())
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
				list = append(list, "type "+s.Name.Name)
			}
		}
	}
	return list
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	return t.(*ast.Ident)
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A function of a walk, `engine.job.run` (engine/stream.go): its package, its receiver where it
// has one, its name, and its file. main's files stand without their folder.
var walked = regexp.MustCompile("`(\\w+)\\.(?:(\\w+)\\.)?(\\w+)` \\(([\\w/.-]+\\.go)")

// TestWalks: the functions that ARCHITECTURE.md names with a file are in that file.
func TestWalks(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	found := walked.FindAllStringSubmatch(string(text), -1)
	if len(found) < 40 {
		t.Errorf("only %d functions were found", len(found))
	}
	for _, m := range found {
		path := filepath.Join("../..", m[4])
		if m[1] == "main" && !strings.Contains(m[4], "/") {
			path = m[4]
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
			continue
		}
		if !declares(file, m[2], m[3]) {
			t.Errorf("%s): no such function there", m[0])
		}
	}
}

// declares reports a function or, with a receiver's type, a method.
func declares(file *ast.File, receiver, name string) bool {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name && receiverOf(f) == receiver {
			return true
		}
	}
	return false
}

// receiverOf is the name of a method's type, "" of a function.
func receiverOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

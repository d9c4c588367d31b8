package engine_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEmbeddingDoc: the code of docs/embedding.md is in programs and examples that
// are compiled and run, line by line, and the files that it links are there.
func TestEmbeddingDoc(t *testing.T) {
	const page = "../docs/embedding.md"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var sources [][]string
	add := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		code, err := os.ReadFile(path)
		sources = append(sources, strings.Split(string(code), "\n"))
		return err
	}
	examples, err := filepath.Glob("example*_test.go")
	if err == nil {
		err = filepath.WalkDir("../testdata/embed", add)
	}
	for _, path := range examples {
		if err == nil {
			err = add(path, nil, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	if len(blocks) == 0 || len(blocks) != strings.Count(text, "```go") {
		t.Fatalf("%d blocks of code", len(blocks))
	}
	for _, b := range blocks {
		if block := strings.Split(strings.TrimSuffix(b[1], "\n"), "\n"); !quoted(block, sources) {
			t.Errorf("no program and no example has this:\n%s", b[1])
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(link[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join("../docs", link[1])); err != nil {
			t.Error(err)
		}
	}
}

// quoted reports that some source has the lines, all of them further to the right.
func quoted(block []string, sources [][]string) bool {
	for _, lines := range sources {
		for i := 0; i+len(block) <= len(lines); i++ {
			indent, ok := strings.CutSuffix(lines[i], block[0])
			for k := 0; ok && k < len(block); k++ {
				ok = lines[i+k] == indent+block[k] || block[k] == "" && lines[i+k] == ""
			}
			if ok && strings.Trim(indent, "\t") == "" {
				return true
			}
		}
	}
	return false
}

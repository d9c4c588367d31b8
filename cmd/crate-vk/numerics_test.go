package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Citations of docs/numerics.md look like "numerics 4.4", or like "numerics 1.2,
// 1.3" and "numerics 1.1 – 1.6" for several sections. A line of comment may end
// between the word and the number.
var (
	numericsCitation = regexp.MustCompile(`\bnumerics(?:\s|//|#)+(\d+(?:\.\d+)?(?:(?:, | – | and )\d+(?:\.\d+)?)*)\b`)
	numericsNumber   = regexp.MustCompile(`\d+(?:\.\d+)?`)
	numericsHeading  = regexp.MustCompile(`(?m)^##+ (\d+(?:\.\d+)?)\.? `)
	// Documents that are not in the repository must not be cited. Kernel headers
	// number their specialization constants "spec 0  NAME", with two spaces.
	foreignCitation = regexp.MustCompile(`\(spec(?:\s|//)*\d|\bspec(?:\s*//\s*|\s)\d+\.\d|\bspec \d[;,:.)]|\bspec appendix|users' contract|\btraps \d`)
)

// TestNumericsCitations: every section of docs/numerics.md that a source cites
// exists, and nothing cites a document that a reader does not have.
func TestNumericsCitations(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs", "numerics.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, h := range numericsHeading.FindAllSubmatch(page, -1) {
		if sections[string(h[1])] {
			t.Errorf("docs/numerics.md has two sections %s", h[1])
		}
		sections[string(h[1])] = true
	}
	cited := 0
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != root && (e.Name()[0] == '.' || e.Name() == "bin") {
			return filepath.SkipDir
		}
		kinds := []string{".go", ".comp", ".glsl", ".md", ".py", ".txt"}
		if !e.Type().IsRegular() || !slices.Contains(kinds, filepath.Ext(path)) || e.Name() == "numerics_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, c := range numericsCitation.FindAllSubmatch(text, -1) {
			for _, n := range numericsNumber.FindAll(c[1], -1) {
				cited++
				if !sections[string(n)] {
					t.Errorf("%s cites numerics %s: docs/numerics.md has no such section", path, n)
				}
			}
		}
		for _, c := range foreignCitation.FindAll(text, -1) {
			t.Errorf("%s has %q: cite docs/numerics.md as (numerics N.N)", path, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cited < 60 {
		t.Errorf("found %d citations of docs/numerics.md, want at least 60: the pattern no longer fits", cited)
	}
}

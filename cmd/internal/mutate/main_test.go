package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestMain runs at the module's root, from where the table names its files.
func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestTable: each mutation has a place in the code still, and the test that is to
// notice it exists.
func TestTable(t *testing.T) {
	tests := map[string]string{}
	for _, m := range table {
		if _, err := m.apply(); err != nil {
			t.Errorf("promise %d, %s: %v", m.promise, m.name, err)
		}
		if tests[m.pkg] == "" {
			entries, err := os.ReadDir(m.pkg)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if strings.HasSuffix(e.Name(), "_test.go") {
					source, err := os.ReadFile(m.pkg + "/" + e.Name())
					if err != nil {
						t.Fatal(err)
					}
					tests[m.pkg] += string(source)
				}
			}
		}
		if !strings.Contains(tests[m.pkg], "func "+m.test+"(t ") {
			t.Errorf("promise %d, %s: %s has no test %s", m.promise, m.name, m.pkg, m.test)
		}
	}
}

// TestPromises: docs/promises.md has each promise, in order, and names the test of
// each mutation; each promise has a mutation, but for those that no test of Go code
// can hold, of which the page says so.
func TestPromises(t *testing.T) {
	page, err := os.ReadFile("docs/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[int]string{}
	heads := regexp.MustCompile(`(?m)^### (\d+)\. `).FindAllStringSubmatchIndex(string(page), -1)
	for i, h := range heads {
		end := len(page)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		n, err := strconv.Atoi(string(page[h[2]:h[3]]))
		if err != nil || n != i+1 {
			t.Errorf("section %d of docs/promises.md is numbered %s", i+1, page[h[2]:h[3]])
		}
		sections[n] = string(page[h[0]:end])
	}
	if len(sections) != 33 {
		t.Errorf("docs/promises.md has %d promises, want 33", len(sections))
	}
	mutated := map[int]bool{}
	for _, m := range table {
		mutated[m.promise] = true
		if !strings.Contains(sections[m.promise], "`"+m.test+"`") {
			t.Errorf("promise %d of docs/promises.md does not name %s", m.promise, m.test)
		}
	}
	for n, text := range sections {
		if !mutated[n] && !strings.Contains(text, "No mutation of Go code") {
			t.Errorf("promise %d has no mutation, and docs/promises.md does not say why", n)
		}
	}
}

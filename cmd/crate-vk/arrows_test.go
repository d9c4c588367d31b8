package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/crate-vk/crate-vk/"

// ground is what every package may import, and what imports none but its own.
func ground() []string { return []string{"loader/regular", "loader/memory", "loader/quote"} }

// arrows says which of our packages a package may import, beside those of the ground. A name stands for the
// packages below it, too, but for engine among those that are imported; of rows
// the longest that matches counts. ARCHITECTURE.md has the same table.
func arrows() map[string][]string {
	models := []string{"crate", "loader", "graph"}
	return map[string][]string{
		"cmd":                        {"cmd/internal", "engine", "engine/expert", "engine/measure", "engine/window", "engine/plan", "engine/drivers", "crate", "loader", "graph", "shaders"},
		"cmd/internal/vendors":       {"cmd/internal", "engine", "engine/measure", "engine/prove", "engine/run", "engine/plan", "engine/vk", "crate", "loader", "graph", "shaders"},
		"engine":                     append([]string{"engine/prove", "engine/run", "engine/plan", "engine/vk", "engine/internal/diskcache", "engine/internal/inside", "shaders"}, models...),
		"engine/window":              {"engine/internal/inside", "engine/prove", "engine/run", "engine/vk", "crate", "shaders"},
		"engine/measure":             {"engine/internal/inside", "engine/prove", "engine/run", "engine/plan", "engine/vk", "crate", "graph", "shaders"},
		"engine/expert":              {"engine", "engine/internal/inside", "engine/prove", "engine/run", "engine/plan", "crate", "loader"},
		"engine/internal/inside":     {"engine/prove", "engine/run", "engine/plan", "engine/vk", "crate", "graph/pass"},
		"engine/prove":               {"engine/run", "engine/plan", "engine/vk", "crate", "graph"},
		"engine/drivers":             {"engine/vk"},
		"engine/run":                 {"engine/drivers", "engine/plan", "engine/vk", "engine/internal/diskcache", "graph", "shaders"},
		"engine/internal/diskcache":  {},
		"engine/internal/devicetest": {"engine/plan", "engine/vk", "crate", "shaders"},
		"engine/internal/enginetest": {"engine/run", "engine/vk", "crate", "shaders"},
		"engine/plan":                {"graph", "shaders"},
		"engine/vk":                  {},
		"crate":                      {"graph"},
		"crate/readout":              models,
		"crate/demo":                 {},
		"loader":                     {"graph", "loader"},
		"loader/regular":             {},
		"loader/memory":              {},
		"loader/quote":               {},
		"graph":                      {},
		"graph/pass":                 {"graph"},
		"graph/interp":               {"graph"},
		"shaders":                    {},
		"shaders/build":              {"shaders"},
	}
}

// TestArrows holds every import of ours against the arrows.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "viewer", "-json=ImportPath,Imports", modulePath+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		from := strings.TrimPrefix(p.ImportPath, modulePath)
		allowed := longest(arrows(), from)
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, modulePath)
			if !ours || slices.Contains(ground(), to) || strings.HasPrefix(from, to+"/") && strings.Contains(from, "internal") {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return to == a || strings.HasPrefix(to, a+"/") && !exact(a) }) {
				t.Errorf("%s imports %s: the arrows allow %v", from, to, allowed)
			}
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(from, "engine") && (strings.Contains(imp, "cobra") || imp == "net/http" || strings.Contains(imp, "nats-io")) {
				t.Errorf("%s imports %s: nothing below engine knows of commands, HTTP or queues", from, imp)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// exact reports rows that mean one package and not what lies below it.
func exact(a string) bool { return a == "engine" }

func longest(rows map[string][]string, path string) []string {
	best, allowed := -1, []string(nil)
	for prefix, list := range rows {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > best {
			best, allowed = len(prefix), list
		}
	}
	return allowed
}

// TestFileLength: a file that grows past 400 lines has more than one subject.
func TestFileLength(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && e.Name() != ".." && e.Name() != "../.." {
			return filepath.SkipDir
		}
		if !slices.Contains([]string{".go", ".comp", ".glsl", ".c", ".h", ".py"}, filepath.Ext(path)) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := strings.Count(string(data), "\n"); n > 420 {
			t.Errorf("%s has %d lines", path, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

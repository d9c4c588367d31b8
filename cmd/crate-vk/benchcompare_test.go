package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/stats"
)

// TestPublishedResults: what docs/bench has can be read, and its rows have runs
// enough to be compared with.
func TestPublishedResults(t *testing.T) {
	list, err := filepath.Glob("../../docs/bench/*.jsonl")
	if err != nil || len(list) == 0 {
		t.Fatalf("docs/bench has no results: %v", err)
	}
	for _, path := range list {
		f, err := readBench(context.Background(), path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, k := range f.keys {
			if r := f.rows[k]; len(r.Samples.Wall) < stats.FewestRuns || r.Env.CPU == "" || r.Env.GFLOPS <= 0 || r.Env.Version == "" {
				t.Errorf("%s: %s has %d runs and the environment %+v", path, k, len(r.Samples.Wall), r.Env)
			}
		}
	}
}

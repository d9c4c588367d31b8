//go:build viewer && cgo

package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFilmPlays: while a script sleeps, the film shows one layer behind another.
func TestFilmPlays(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.script(t, "wait\nkey r\nkey r\nkey r\nkey f") // 16 layers a second
	seen := map[int]bool{}
	for range 100 {
		s.script(t, "sleep 100ms")
		s.mu.Lock()
		seen[s.ui.Choice().Layer] = true
		s.mu.Unlock()
		if len(seen) == s.reader.config.Depth {
			break
		}
	}
	if len(seen) != s.reader.config.Depth {
		t.Errorf("the film showed the layers %v", seen)
	}
}

// TestWaitForFilm: wait ends while a film plays that asks for layers faster than they are drawn.
func TestWaitForFilm(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.script(t, "wait\nkey r\nkey r\nkey r\nkey f")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // as the window's loop does, without a pause
		for layer := 0; ctx.Err() == nil; layer++ {
			s.mu.Lock()
			c := s.ui.Choice()
			c.Layer = layer % s.reader.config.Depth
			s.ui.SetChoice(c)
			s.changed()
			s.mu.Unlock()
		}
	}()
	waited := make(chan error, 1)
	go func() { waited <- s.shownAll(ctx) }()
	select {
	case err := <-waited:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for ever")
	}
}

// TestScriptEnds: quit and the key q end a script; a drop that opens nothing fails it, and one
// that opens something doesn't.
func TestScriptEnds(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	dir := t.TempDir()
	for _, end := range []string{"quit", "key q", "key ?\nkey q"} {
		if err := s.plays(t, "resize 300 200\nwait\n"+end+"\npatch 900 900"); err != nil {
			t.Errorf("%s: the script went on: %v", end, err)
		}
	}
	for script, want := range map[string]string{
		"wait\ndrop missing.png":                       "line 2 of the script: missing.png: no such file or directory",
		"drop " + dir:                                  "line 1 of the script: there is no picture in what was dropped",
		"drop missing.png " + samples:                  "",
		"resize 0 0\nwait\nshot " + dir + "/small.png": "line 3 of the script: there is nothing to see of a window that is minimised (0 × 0 pixels)",
		"resize 300 200\nwait\npatch 0 16":             "line 3 of the script: patch 0 16: the grid has rows 0 … 15 and columns 0 … 15",
	} {
		switch err := s.plays(t, script); {
		case err == nil && want != "", err != nil && (want == "" || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%q: %v, want %s", script, err, want)
		}
	}
	s.script(t, "resize 300 200\ndrop missing.png "+samples+"\ndrop "+samples)
	s.mu.Lock()
	if line := s.ui.Said(); line != "" {
		t.Errorf("behind a drop of good images it says %q", line)
	}
	s.mu.Unlock()
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("there are %v", left)
	}
}

//go:build viewer && cgo

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestShotReplaces: a script's shot replaces a link, and leaves alone what that leads to.
func TestShotReplaces(t *testing.T) {
	dir := t.TempDir()
	photo, link := filepath.Join(dir, "photo.png"), filepath.Join(dir, "shot.png")
	if err := os.WriteFile(photo, []byte("a photograph"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(photo, link); err != nil {
		t.Skip(err)
	}
	s := headless(t, samples+"01-fish.png")
	s.script(t, "resize 300 200\nwait\nshot "+link)
	if data, err := os.ReadFile(photo); err != nil || string(data) != "a photograph" {
		t.Errorf("the photograph is %d bytes, %v", len(data), err)
	}
	if size := readPNG(t, link).Bounds().Size(); size.X != 300 || size.Y != 200 {
		t.Errorf("the shot has %v pixels", size)
	}
}

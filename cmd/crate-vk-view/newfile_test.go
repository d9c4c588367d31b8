//go:build viewer && cgo

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
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

// TestShotNotOver: a script writes over no file that was opened, by whatever name.
func TestShotNotOver(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile(samples + "01-fish.png")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"fish.png", "dropped.png", "model.png"} {
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("dropped.png", at("link.png")); err != nil {
		t.Skip(err)
	}
	s := headless(t, at("fish.png"))
	s.options.reads = []string{at("model.png")}
	s.script(t, "wait\nkey 1\nwait\nmask "+at("new.png"))
	for _, line := range []string{"shot fish.png", "mask model.png", "drop dropped.png", "shot link.png", "mask dropped.png", "shot fish.png"} {
		command, name, _ := strings.Cut(line, " ")
		err := s.plays(t, command+" "+at(name)+"\nwait")
		if refused := err != nil && strings.Contains(err.Error(), name+" is an input: name another output"); refused == (command == "drop") {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, name := range []string{"fish.png", "dropped.png", "model.png"} {
		if got, err := os.ReadFile(at(name)); err != nil || string(got) != string(data) {
			t.Errorf("%s was written to: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestSavedAtTheEnd: what was saved before the window was closed is there.
func TestSavedAtTheEnd(t *testing.T) {
	eng, model := openModel(t)
	s := sessionOf(t, eng, model, samples+"01-fish.png")
	s.options.out = t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	s.script(t, "resize 300 200\nwait")
	for range 20 {
		offstage{ctx, s}.feed(viewer.Key{Name: "s"})
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if list, _ := filepath.Glob(s.options.out + "/*.png"); len(list) != 20 {
		t.Errorf("%d of 20 pictures were saved", len(list))
	}
}

// TestSaved: what keys save is there when the next command of a script runs, in a folder that
// is made, each time under another name.
func TestSaved(t *testing.T) {
	s := headless(t, samples+"01-fish.png")
	s.options.out = filepath.Join(t.TempDir(), "new", "folder")
	s.script(t, "resize 300 200\nwait\nkey m\nkey s\nkey 1\nwait\nkey s\nkey m")
	entries, err := os.ReadDir(s.options.out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		readPNG(t, filepath.Join(s.options.out, e.Name()))
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "01-fish.mask.png 01-fish.view-2.png 01-fish.view.png" {
		t.Errorf("there are %s", got)
	}
	s.options.out = filepath.Join(s.options.out, "01-fish.mask.png") // no folder
	if err := s.plays(t, "key m"); err == nil {
		t.Error("a mask was saved into a file as into a folder")
	}
}

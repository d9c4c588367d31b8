//go:build viewer && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/inputs"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// act does what events ask for. It reports that the window is to be closed. What takes long
// becomes an errand: the main thread, which calls this, has a window to move.
func (s *session) act(ctx context.Context, list []viewer.Action) (quit bool) {
	for _, a := range list {
		switch a := a.(type) {
		case viewer.Quit:
			quit = true
		case viewer.SavePicture:
			s.savePicture(ctx)
		case viewer.SaveMask:
			s.keepMask()
		case viewer.Dropped:
			s.send(&errand{what: "looking for images", do: func(ctx context.Context) (string, error) { return s.drop(ctx, a.Paths) }})
		}
	}
	return quit
}

// tell shows a line until the next key.
func (s *session) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ui.Notice(text)
	s.changed()
}

// base is the name of files that are saved of the image that is shown, without extension.
func (s *session) base() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "crate-vk-view"
	if s.now != nil {
		name = filepath.Base(s.now.path)
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return filepath.Join(s.options.out, name)
}

// savePicture writes the window as it is shown into a new file.
func (s *session) savePicture(ctx context.Context) {
	m, err := s.picture(ctx)
	if err != nil {
		s.tell(err.Error())
		return
	}
	s.save(s.base()+".view", "picture", func() ([]byte, error) { return paint.Encode(m) })
}

// keepMask writes the mask into a new file.
func (s *session) keepMask() {
	encode, err := s.maskFile()
	if err != nil {
		s.tell(err.Error())
		return
	}
	s.save(s.base()+".mask", "mask", encode)
}

// save is the errand of writing a PNG into a new file.
func (s *session) save(base, what string, encode func() ([]byte, error)) {
	s.send(&errand{what: "saving the " + what, do: func(context.Context) (string, error) {
		data, err := encode()
		if err != nil {
			return "", err
		}
		name, err := newFile(base, ".png", data)
		return fmt.Sprintf("saved the %s: %s", what, quote.Path(name)), err
	}})
}

// list is the pictures that files and folders hold, by path and by the names that the
// window shows, and what was wrong with others.
func list(ctx context.Context, paths []string) (files, names []string, problems []error, err error) {
	found, err := inputs.List(ctx, paths, inputs.Options{
		Notice:  func(string, ...any) {},
		Problem: func(path string, err error) { problems = append(problems, fmt.Errorf("%s: %w", quote.Path(path), err)) },
	})
	for _, f := range found {
		files, names = append(files, f.Path), append(names, f.Path)
	}
	return files, names, problems, err
}

// drop opens what was dropped on the window.
func (s *session) drop(ctx context.Context, paths []string) (said string, err error) {
	files, names, problems, err := list(ctx, paths)
	switch {
	case err != nil:
		return "", err // the window is closed
	case len(files) == 0 && len(problems) > 0:
		return "", problems[0]
	case len(files) == 0:
		return "", errors.New("there is no picture in what was dropped")
	}
	s.replace(files, names, 0)
	if len(problems) > 0 {
		said = fmt.Sprintf("%d can't be opened, such as %v", len(problems), problems[0])
	}
	return said, nil
}

//go:build viewer && cgo

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/inputs"
	"github.com/crate-vk/crate-vk/cmd/internal/paint"
	"github.com/crate-vk/crate-vk/cmd/internal/viewer"
	"github.com/crate-vk/crate-vk/loader/quote"
)

// act does what events ask for. It reports that the window is to be closed.
func (s *session) act(ctx context.Context, list []viewer.Action) (quit bool) {
	for _, a := range list {
		switch a := a.(type) {
		case viewer.Quit:
			quit = true
		case viewer.SavePicture:
			s.tell(s.savePicture(ctx))
		case viewer.SaveMask:
			s.tell(s.keepMask())
		case viewer.Dropped:
			s.drop(ctx, a.Paths)
		}
	}
	return quit
}

// tell shows a line until the next key.
func (s *session) tell(text string, err error) {
	if err != nil {
		text = err.Error()
	}
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
func (s *session) savePicture(ctx context.Context) (string, error) {
	m, err := s.picture(ctx)
	if err != nil {
		return "", err
	}
	data, err := paint.Encode(m)
	if err != nil {
		return "", err
	}
	name, err := newFile(s.base()+".view", ".png", data)
	return "saved the picture: " + quote.Path(name), err
}

// keepMask writes the mask into a new file.
func (s *session) keepMask() (string, error) {
	data, err := s.maskFile()
	if err != nil {
		return "", err
	}
	name, err := newFile(s.base()+".mask", ".png", data)
	return "saved the mask: " + quote.Path(name), err
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
func (s *session) drop(ctx context.Context, paths []string) {
	files, names, problems, err := list(ctx, paths)
	switch {
	case err != nil:
		return // the window is closed
	case len(files) == 0 && len(problems) > 0:
		s.tell("", problems[0])
		return
	case len(files) == 0:
		s.tell("there is no picture in what was dropped", nil)
		return
	}
	s.replace(files, names, 0)
	if len(problems) > 0 {
		s.tell(fmt.Sprintf("%d can't be opened, such as %v", len(problems), problems[0]), nil)
	}
}

package coco

import (
	"errors"
	"fmt"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// FormatError says that data is malformed.
type FormatError struct {
	Path  string // of the file, empty if it didn't come from one
	Place string // inside the data, such as annotations[3].bbox; may be empty
	What  string // the fact, and the rule that it breaks
}

func (e *FormatError) Error() string { return message(e.Path, e.Place, e.What) }

// UnsupportedError says that data is in order, as far as it was read, and that
// this package doesn't go further.
type UnsupportedError struct {
	Path  string
	Place string
	What  string // the fact, and the limit or the wish
}

func (e *UnsupportedError) Error() string { return message(e.Path, e.Place, e.What) }

func malformed(format string, args ...any) error {
	return &FormatError{What: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &UnsupportedError{What: fmt.Sprintf(format, args...)}
}

// at puts a step in front of the place of an error of this package.
func at(step string, err error) error {
	var f *FormatError
	var u *UnsupportedError
	switch {
	case errors.As(err, &f):
		f.Place = join(step, f.Place)
	case errors.As(err, &u):
		u.Place = join(step, u.Place)
	}
	return err
}

func join(step, place string) string {
	if place == "" || place[0] == '[' {
		return step + place
	}
	return step + "." + place
}

// what is the place and the fact of an error of this package.
func what(err error) string {
	var f *FormatError
	var u *UnsupportedError
	switch {
	case errors.As(err, &f):
		return f.Place + ": " + f.What
	case errors.As(err, &u):
		return u.Place + ": " + u.What
	}
	return err.Error()
}

// fact is an error of this package without its place.
func fact(err error) string {
	var f *FormatError
	if errors.As(err, &f) {
		return f.What
	}
	return err.Error()
}

// inFile puts the path into an error of this package.
func inFile(path string, err error) error {
	var f *FormatError
	var u *UnsupportedError
	switch {
	case errors.As(err, &f):
		f.Path = path
	case errors.As(err, &u):
		u.Path = path
	}
	return err
}

func message(path, place, what string) string {
	if place != "" {
		what = place + ": " + what
	}
	if path == "" {
		return "coco: " + what
	}
	return Printable(path) + ": " + what
}

// Printable returns a name as it is if it can be printed, else as a Go string.
func Printable(name string) string { return quote.Path(name) }

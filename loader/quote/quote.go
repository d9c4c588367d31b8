// Package quote prints names that come from files and file systems, so that a
// message stays one readable line whatever bytes the name holds.
package quote

import (
	"io/fs"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxName is the length in bytes up to which Name prints a name whole. Real
// tensor names stay under 120; a hostile one may have 100 MB.
const maxName = 120

// Path returns a path as it is if each of its runes can be printed, and as a
// Go string literal if it holds a control character or a byte that isn't UTF-8.
func Path(path string) string {
	if !utf8.ValidString(path) {
		return strconv.Quote(path)
	}
	for _, r := range path {
		if !unicode.IsPrint(r) {
			return strconv.Quote(path)
		}
	}
	return path
}

// Name returns a name from inside a file as a Go string literal, cut after
// maxName bytes with the full length told.
func Name(name string) string {
	if len(name) <= maxName {
		return strconv.Quote(name)
	}
	cut := maxName
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.Quote(name[:cut]) + "… (" + strconv.Itoa(len(name)) + " bytes)"
}

// Error returns an error of the file system with its path printed by Path, and any
// other error as it is.
func Error(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: e.Op, Path: Path(e.Path), Err: e.Err}
	}
	return err
}

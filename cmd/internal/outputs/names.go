// Package outputs is the folder that a run writes into: which name each input
// gets, files that are complete or not there, a journal of what is finished,
// and the results at the end.
package outputs

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxName is the length of a file name, and suffixRoom what a base name must
// leave for suffixes such as ".head15.overlay.png" and a temporary name.
const (
	maxName    = 255
	suffixRoom = 48
)

// Namer settles the base names of outputs, without suffix: the input's own name
// without extension, a name that is taken gets ~2, ~3, …, and one that is too
// long is cut and gets 8 hexadecimal digits of its SHA-256.
//
// A name is taken when a file that it would give has the name of another one, be
// it of another input or of the whole run. Names that some file systems hold for
// one are one: those that differ in case alone, or in how accents are composed.
type Namer struct {
	suffixes []string
	taken    map[string]bool // files and folders, folded
	next     map[string]int  // the number to try first for a name
}

// NewNamer makes a Namer for outputs with these suffixes. reserved are the names of
// files of the whole run.
func NewNamer(suffixes, reserved []string) *Namer {
	if len(suffixes) == 0 {
		suffixes = []string{""}
	}
	n := &Namer{suffixes: suffixes, taken: map[string]bool{}, next: map[string]int{}}
	for _, name := range append([]string{ResultsName, JournalName}, reserved...) {
		n.taken[fold(name)] = true
	}
	return n
}

// Name is the next input's base name.
func (n *Namer) Name(rel string) string { return n.free(shorten(stem(rel))) }

// Names settles the base names of a whole list of inputs (paths relative to the
// output folder): as [Namer.Name] does, but where two inputs share a name
// each keeps its extension (b_jpg).
func (n *Namer) Names(rels []string) []string {
	count := map[string]int{}
	for _, rel := range rels {
		count[stem(rel)]++
		for dir := filepath.Dir(rel); dir != "." && dir != string(filepath.Separator); dir = filepath.Dir(dir) {
			n.taken[fold(filepath.ToSlash(dir))] = true // a file can't have a folder's name
		}
	}
	names := make([]string, len(rels))
	for i, rel := range rels {
		name := stem(rel)
		if count[name] > 1 {
			if ext := filepath.Ext(rel); ext != "" && stem(rel) != filepath.Clean(rel) {
				name += "_" + ext[1:]
			}
		}
		names[i] = n.free(shorten(name))
	}
	return names
}

// stem is the path without the extension of its last element.
func stem(rel string) string {
	rel = filepath.Clean(rel)
	base := filepath.Base(rel)
	if bare := strings.TrimSuffix(base, filepath.Ext(base)); strings.Trim(bare, ".") != "" { // "...png" keeps all
		base = bare
	}
	return filepath.Join(filepath.Dir(rel), base)
}

// fold maps names that a file system may hold for one to one text. Case is folded
// before and after composing: some characters have no composed small form.
func fold(name string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(filepath.ToSlash(name))))
}

// free is the name, or the name with the first number with which all its files are
// free, which it takes.
func (n *Namer) free(name string) string {
	key := fold(name)
	for number := max(n.next[key], 1); ; number++ {
		unique := name
		if number > 1 {
			unique += "~" + strconv.Itoa(number)
		}
		if n.take(unique) {
			n.next[key] = number + 1
			return unique
		}
	}
}

func (n *Namer) take(name string) bool {
	files := make([]string, len(n.suffixes))
	for i, s := range n.suffixes {
		files[i] = fold(name + s)
		if n.taken[files[i]] {
			return false
		}
	}
	for _, f := range files {
		n.taken[f] = true
	}
	return true
}

func shorten(name string) string {
	dir, base := filepath.Split(name)
	if len(base) <= maxName-suffixRoom {
		return name
	}
	sum := sha256.Sum256([]byte(base))
	cut := maxName - suffixRoom - 9
	for cut > 0 && !utf8.RuneStart(base[cut]) {
		cut--
	}
	return dir + base[:cut] + "-" + hex.EncodeToString(sum[:4])
}

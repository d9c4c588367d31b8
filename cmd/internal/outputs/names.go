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
)

// maxName is the length of a file name, and suffixRoom what a base name must
// leave for suffixes such as ".head15.overlay.png" and a temporary name.
const (
	maxName    = 255
	suffixRoom = 48
)

// Names settles the base names of outputs, without extension, on the whole
// list of inputs (paths relative to the output folder): the input's own name
// without extension; where two inputs share that, each keeps its extension
// (b_jpg); a name still taken gets ~2, ~3, …; a name too long is cut and gets
// 8 hexadecimal digits of its SHA-256.
func Names(rels []string) []string {
	count := map[string]int{}
	for _, rel := range rels {
		count[stem(rel)]++
	}
	taken := map[string]bool{}
	names := make([]string, len(rels))
	for i, rel := range rels {
		name := stem(rel)
		if count[name] > 1 {
			if ext := filepath.Ext(rel); ext != "" && ext != filepath.Base(rel) {
				name += "_" + ext[1:]
			}
		}
		names[i] = free(shorten(name), taken)
	}
	return names
}

// Namer settles names one by one, for inputs that come one by one.
type Namer struct{ taken map[string]bool }

// Name is the next input's base name.
func (n *Namer) Name(rel string) string {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	return free(shorten(stem(rel)), n.taken)
}

// stem is the path without the extension of its last element.
func stem(rel string) string {
	rel = filepath.Clean(rel)
	base := filepath.Base(rel)
	if ext := filepath.Ext(base); ext != base {
		base = strings.TrimSuffix(base, ext)
	}
	return filepath.Join(filepath.Dir(rel), base)
}

func free(name string, taken map[string]bool) string {
	unique := name
	for n := 2; taken[unique]; n++ {
		unique = name + "~" + strconv.Itoa(n)
	}
	taken[unique] = true
	return unique
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

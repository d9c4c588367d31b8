package pth

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// walker names the tensors by their path from the root of the unpickled value.
type walker struct {
	file  *File
	path  []byte
	nodes int
	open  map[any]struct{} // the containers between the root and here
	bytes int64            // of all tensors, row by row
}

// visit takes in one value. Scalars are kept where scalars is set.
func (w *walker) visit(v any, depth int, scalars bool) error {
	d := w.file.disk
	if w.nodes++; w.nodes > maxNodes {
		return d.unsupported("has more than %d values, counting those of a shared container where it is used", maxNodes)
	}
	switch v := v.(type) {
	case *tensor:
		return w.tensor(v)
	case *sequence, *mapping:
		if _, inside := w.open[v]; inside {
			return d.unsupported("%s contains itself", w.place())
		}
		if depth == maxDepth {
			return d.unsupported("%s nests deeper than %d", w.place(), maxDepth)
		}
		w.open[v] = struct{}{}
		defer delete(w.open, v)
		if s, ok := v.(*sequence); ok {
			for i, item := range s.items {
				if err := w.child(strconv.Itoa(i), item, depth, false); err != nil {
					return err
				}
			}
			return nil
		}
		return w.mapping(v.(*mapping), depth)
	case nil, inert, *global, *storage, long:
		return nil
	}
	if scalars {
		w.scalar(v)
	}
	return nil
}

// place names the current path in a message.
func (w *walker) place() string {
	if len(w.path) == 0 {
		return "the root"
	}
	return quote.Name(string(w.path))
}

func (w *walker) mapping(m *mapping, depth int) error {
	seen := make(map[string]struct{}, len(m.pairs)/2)
	for i := 0; i < len(m.pairs); i += 2 {
		key, ok := keyText(m.pairs[i])
		if !ok {
			switch m.pairs[i+1].(type) {
			case *tensor, *sequence, *mapping:
				return w.file.disk.unsupported("a key of %s is neither a string nor a number", w.place())
			}
			continue
		}
		// Python keeps the last of two; but no pickler writes two.
		if _, twice := seen[key]; twice {
			return w.file.disk.malformed("key %s appears twice in %s", quote.Name(key), w.place())
		}
		seen[key] = struct{}{}
		if err := w.child(key, m.pairs[i+1], depth, true); err != nil {
			return err
		}
	}
	return nil
}

// keyText is a dictionary's key as part of a path.
func keyText(key any) (string, bool) {
	switch key.(type) {
	case string, int64, bool, float64:
		return scalarText(key), true
	case nil:
		return "None", true
	}
	return "", false
}

// scalarText writes a scalar as Python's str does, floats apart.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return ""
}

// child visits a value under a key of the current container.
func (w *walker) child(key string, v any, depth int, scalars bool) error {
	switch v.(type) {
	case *tensor, *sequence, *mapping:
		if len(w.path)+1+len(key) > maxName {
			return w.file.disk.unsupported("a name below %s has more than %d bytes", w.place(), maxName)
		}
	}
	have := len(w.path)
	if len(w.path)+len(key) < maxName { // else a scalar, which isn't kept
		if len(w.open) > 1 {
			w.path = append(w.path, '.')
		}
		w.path = append(w.path, key...)
	} else {
		scalars = false
	}
	err := w.visit(v, depth+1, scalars)
	w.path = w.path[:have]
	return err
}

// scalar keeps a value beside the tensors.
func (w *walker) scalar(v any) {
	meta := w.file.metadata
	text := scalarText(v)
	if len(meta) < maxMetadata && len(text) <= maxValue && utf8.ValidString(text) && utf8.Valid(w.path) {
		meta[string(w.path)] = text
	}
}

// tensor takes in a tensor, now that its name is known, and checks it.
func (w *walker) tensor(t *tensor) error {
	f, name := w.file, string(w.path)
	malformed := func(what string) error {
		return &weights.FormatError{Path: f.disk.path, Tensor: name, What: what}
	}
	unsupported := func(what string) error {
		return &weights.UnsupportedError{Path: f.disk.path, Tensor: name, What: what}
	}
	if !utf8.ValidString(name) {
		return malformed("the name isn't UTF-8")
	}
	if _, twice := f.byName[name]; twice {
		return malformed("the name appears twice")
	}
	if len(f.infos) == maxTensors {
		return f.disk.unsupported("has more than %d tensors", maxTensors)
	}
	info := Info{Name: name, DType: t.storage.dtype, Shape: make([]int, len(t.shape))}
	for i, n := range t.shape {
		info.Shape[i] = int(n)
	}
	size, what, ok := t.check()
	if !ok {
		return malformed(what)
	}
	if what != "" {
		return unsupported(what)
	}
	if w.bytes += size; size > t.storage.bytes()+expandBytes || w.bytes > expandFactor*f.disk.size+expandBytes {
		return unsupported("takes " + strconv.FormatInt(size, 10) + " bytes, by repeating what the file has once: beyond the limit for one tensor or for all together")
	}
	f.byName[name] = len(f.infos)
	f.infos = append(f.infos, info)
	f.tensors = append(f.tensors, t)
	return nil
}

// check compares a tensor with its storage. size is what it takes row by row, in
// bytes. Where ok is false it breaks the rule that what names; else what is empty
// or a reason for which it isn't supported.
func (t *tensor) check() (size int64, what string, ok bool) {
	if len(t.strides) != len(t.shape) {
		return 0, "has " + strconv.Itoa(len(t.shape)) + " dimensions and " + strconv.Itoa(len(t.strides)) + " strides", false
	}
	n := uint64(1)
	for i, d := range t.shape {
		if d < 0 || t.strides[i] < 0 {
			return 0, "has a negative dimension or stride", false
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt64/8 {
			return 0, "has more elements than can be counted", false
		}
		n = lo
	}
	if t.offset < 0 || t.offset > t.storage.count {
		return 0, "starts outside of its storage", false
	}
	if n == 0 {
		return 0, "", true
	}
	last := uint64(t.offset)
	for i, d := range t.shape {
		hi, lo := bits.Mul64(uint64(d-1), uint64(t.strides[i]))
		if hi != 0 || lo >= uint64(t.storage.count) {
			return 0, "reaches beyond its storage", false
		}
		last += lo // at most maxRank + 1 numbers of less than 2^59
	}
	if last >= uint64(t.storage.count) {
		return 0, "reaches beyond its storage", false
	}
	if t.overlaps() {
		what = "has rows that overlap in its storage"
	}
	return int64(n) * width(t.storage.dtype), what, true
}

// overlaps reports whether dimensions whose stride isn't 0 may lead to one element
// on two ways. Reading in the order of the storage relies on that they don't.
func (t *tensor) overlaps() bool {
	var order []int
	for i, d := range t.shape {
		if d > 1 && t.strides[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return int(t.strides[a] - t.strides[b]) })
	reach := int64(0) // of the dimensions with smaller strides
	for _, i := range order {
		if t.strides[i] <= reach {
			return true
		}
		reach += (t.shape[i] - 1) * t.strides[i]
	}
	return false
}

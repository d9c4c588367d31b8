package weights

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
)

const (
	// maxHeader is the largest header in bytes. Source: the safetensors
	// reference implementation.
	maxHeader = 100_000_000
	// maxTensors bounds the memory of the table, which is about 200 bytes a
	// tensor. The largest published checkpoints have 10^5 tensors over 10^2 shards.
	maxTensors = 1 << 17
	// maxRank bounds what a shape written as [1,1,1,...] takes: 8 bytes for 2.
	maxRank = 16
)

// Info describes one tensor.
type Info struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar; not to be modified
}

// Elements returns the number of elements, 1 for a scalar.
func (i Info) Elements() int {
	n, _ := elements(i.Shape) // checked when the header was read
	return int(n)
}

// entry is a tensor and where its bytes lie: [begin, end) of the data section,
// which follows the header of its shard.
type entry struct {
	Info
	begin, end int64
	shard      int
}

// header is a safetensors header: what the JSON says, once it is known to be
// consistent with itself and with the size of the data section.
type header struct {
	entries  []entry        // in the order of their data
	byName   map[string]int // index into entries
	metadata map[string]string
}

// parseHeader reads the JSON text of a header that precedes dataSize bytes of
// data, and checks all rules of the format. Errors are *FormatError or
// *UnsupportedError, with path.
func parseHeader(path, text string, dataSize int64) (*header, error) {
	switch {
	case text == "" || text[0] != '{':
		return nil, &FormatError{path, "", "the header doesn't start with '{'"}
	case !utf8.ValidString(text):
		return nil, &FormatError{path, "", "the header isn't UTF-8"}
	}
	// Each entry spells out data_offsets, so that the count is an upper bound and
	// the tables never grow, which would hold them twice.
	count := min(strings.Count(text, "data_offsets"), maxTensors)
	h := &header{entries: make([]entry, 0, count), byName: make(map[string]int, count)}
	s := &scanner{text: text}
	tensor := "" // the one being read, for messages
	hasMetadata := false
	err := s.object(func(name string) error {
		tensor = ""
		if name == "__metadata__" {
			if hasMetadata {
				return errors.New("__metadata__ appears twice")
			}
			hasMetadata = true
			var err error
			h.metadata, err = s.stringMap("__metadata__")
			return err
		}
		tensor = name
		if _, twice := h.byName[name]; twice {
			return errors.New("the name appears twice")
		}
		if len(h.entries) == maxTensors {
			tensor = ""
			return limitError(fmt.Sprintf("more than %d tensors", maxTensors))
		}
		h.byName[name] = len(h.entries)
		e := entry{Info: Info{Name: name}}
		if err := s.entry(&e); err != nil {
			return err
		}
		h.entries = append(h.entries, e)
		return nil
	})
	if err == nil {
		tensor = ""
		if s.space(); s.pos < len(s.text) {
			err = s.fail("%s after the header's last '}'", s.here())
		}
	}
	if err != nil {
		return nil, classify(path, tensor, err)
	}
	if err := h.tile(path, dataSize); err != nil {
		return nil, err
	}
	return h, nil
}

// classify wraps an error of the scanner into one of the two kinds.
func classify(path, tensor string, err error) error {
	var limit limitError
	if errors.As(err, &limit) {
		return &UnsupportedError{path, tensor, err.Error()}
	}
	return &FormatError{path, tensor, err.Error()}
}

// stringMap reads an object whose values are strings.
func (s *scanner) stringMap(what string) (map[string]string, error) {
	m := make(map[string]string)
	err := s.object(func(key string) error {
		if _, twice := m[key]; twice {
			return fmt.Errorf("%s: key %s appears twice", what, quote.Name(key))
		}
		if len(m) == maxMetadata {
			return limitError(fmt.Sprintf("%s: more than %d keys", what, maxMetadata))
		}
		if s.space(); s.pos == len(s.text) || s.text[s.pos] != '"' {
			return s.fail("%s: key %s: %s where a string is wanted", what, quote.Name(key), s.here())
		}
		value, err := s.str()
		m[key] = value
		return err
	})
	return m, err
}

// fieldNames returns the fields of a tensor's entry. They are matched exactly.
func fieldNames() [3]string { return [3]string{"dtype", "shape", "data_offsets"} }

// entry reads the value of a tensor's name: its dtype, shape and data_offsets.
// Other fields have no meaning and are skipped.
func (s *scanner) entry(e *entry) error {
	names := fieldNames()
	var has [len(names)]bool
	var others keySet
	err := s.object(func(key string) error {
		i := slices.Index(names[:], key)
		if i < 0 {
			for _, name := range names {
				if strings.EqualFold(key, name) {
					return fmt.Errorf("field %s: want %q in this very spelling", quote.Name(key), name)
				}
			}
			if err := others.add(key); err != nil {
				return err
			}
			_, err := s.skip(2)
			return err
		}
		if has[i] {
			return fmt.Errorf("field %q appears twice", key)
		}
		has[i] = true
		switch key {
		case "dtype":
			return s.dtype(e)
		case "shape":
			return s.shape(e)
		}
		return s.offsets(e)
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		if !has[i] {
			return fmt.Errorf("field %q is missing", name)
		}
	}
	return e.check()
}

func (s *scanner) dtype(e *entry) error {
	d, err := s.str()
	if err == nil && DType(d).bits() == 0 {
		err = fmt.Errorf("dtype %s is none of the format's", quote.Name(d))
	}
	e.DType = DType(d)
	return err
}

func (s *scanner) shape(e *entry) error {
	var dims [maxRank]int
	n := 0
	err := s.array(func() error {
		if n == maxRank {
			return limitError(fmt.Sprintf("a shape of more than %d dimensions", maxRank))
		}
		d, err := s.natural()
		if err == nil && int64(int(d)) != d {
			err = limitError(fmt.Sprintf("dimension %d exceeds this machine's integers", d))
		}
		dims[n] = int(d)
		n++
		return err
	})
	e.Shape = append([]int{}, dims[:n]...)
	return err
}

func (s *scanner) offsets(e *entry) error {
	n := 0
	err := s.array(func() error {
		v, err := s.natural()
		switch n {
		case 0:
			e.begin = v
		case 1:
			e.end = v
		default:
			return s.fail("data_offsets has more than 2 numbers")
		}
		n++
		return err
	})
	if err == nil && n != 2 {
		err = s.fail("data_offsets has %d numbers, want 2", n)
	}
	return err
}

// check compares an entry's offsets with its shape and type.
func (e *entry) check() error {
	if e.end < e.begin {
		return fmt.Errorf("offsets [%d %d] run backwards", e.begin, e.end)
	}
	n, ok := elements(e.Shape)
	if !ok {
		return fmt.Errorf("the product of shape %v exceeds 2^63-1", e.Shape)
	}
	size, ok := byteSize(n, e.DType)
	if !ok {
		return fmt.Errorf("%d elements of %s aren't a whole number of bytes below 2^63", n, e.DType)
	}
	if e.end-e.begin != size {
		return fmt.Errorf("offsets [%d %d] hold %d bytes, want %d for %s %v",
			e.begin, e.end, e.end-e.begin, size, e.DType, e.Shape)
	}
	return nil
}

// tile sorts the entries by their data and checks that they cover the data
// section once: no hole, no overlap, no byte after the last one.
func (h *header) tile(path string, dataSize int64) error {
	slices.SortFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	at := int64(0)
	fault := func(i int, fact string) error {
		e, before := &h.entries[i], "the start of the data"
		if i > 0 {
			before = fmt.Sprintf("tensor %s, which ends at %d", quote.Name(h.entries[i-1].Name), at)
		}
		return &FormatError{path, e.Name, fmt.Sprintf("offsets [%d %d] %s %s", e.begin, e.end, fact, before)}
	}
	for i := range h.entries {
		e := &h.entries[i]
		switch {
		case e.begin < at:
			return fault(i, "overlap")
		case e.begin > at:
			return fault(i, "leave a hole after")
		case e.end > dataSize:
			return &FormatError{path, e.Name, fmt.Sprintf("offsets [%d %d] end beyond the file, which has %d bytes of data", e.begin, e.end, dataSize)}
		}
		at = e.end
		h.byName[e.Name] = i
	}
	if at != dataSize {
		return &FormatError{path, "", fmt.Sprintf("%d bytes follow the last tensor, whose data ends at %d", dataSize-at, at)}
	}
	return nil
}

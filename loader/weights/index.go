package weights

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// maxShards bounds the number of open files. Published checkpoints stay below 200.
const maxShards = 512

// index is what an index file says: Hugging Face's layout,
//
//	{"metadata": {"total_size": 123}, "weight_map": {"tensor": "file", ...}}
type index struct {
	metadata map[string]string // scalars as they are written, other values left out
	shardOf  map[string]string // tensor → file name
}

// openIndex opens the shards that the index at s names, all of which lie in its
// folder, and presents them as one File. It owns s.
//
// The index and the shards have to agree: each tensor of the index lies in the
// shard that it names, and no shard holds one that the index doesn't list there.
func openIndex(s *shard) (_ *File, err error) {
	s.name = filepath.Base(s.path)
	f := &File{path: s.path, files: []*shard{s}, byName: make(map[string]int)}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if s.size > maxHeader {
		return nil, &FormatError{s.path, "", fmt.Sprintf("the index has %d bytes, want at most %d", s.size, maxHeader)}
	}
	text, err := s.text(0, s.size)
	if err != nil {
		return nil, err
	}
	x, err := parseIndex(s.path, text)
	if err != nil {
		return nil, err
	}
	f.metadata = x.metadata
	names := slices.Compact(slices.Sorted(maps.Values(x.shardOf)))
	if len(names) > maxShards {
		return nil, &UnsupportedError{s.path, "", fmt.Sprintf("has %d shards, want at most %d", len(names), maxShards)}
	}
	for _, name := range names {
		part, err := openShard(filepath.Join(filepath.Dir(s.path), name), name)
		if err != nil {
			return nil, err
		}
		f.files = append(f.files, part)
		f.shards = append(f.shards, part)
		if err := f.add(part, x); err != nil {
			return nil, err
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(x.shardOf)) {
		if _, ok := f.byName[tensor]; !ok {
			return nil, &FormatError{s.path, tensor, fmt.Sprintf("isn't in %s, where the index has it", quote.Path(x.shardOf[tensor]))}
		}
	}
	slices.SortFunc(f.files, func(a, b *shard) int { return strings.Compare(a.name, b.name) })
	return f, nil
}

// add takes over the tensors and the metadata of the last shard.
func (f *File) add(part *shard, x *index) error {
	h, err := part.header()
	if err != nil {
		return err
	}
	for _, e := range h.entries {
		want, listed := x.shardOf[e.Name]
		switch {
		case !listed:
			return &FormatError{part.path, e.Name, "isn't listed in the index " + quote.Path(f.path)}
		case want != part.name:
			return &FormatError{part.path, e.Name, "is in this shard, and the index has it in " + quote.Path(want)}
		}
		e.shard = len(f.shards) - 1
		f.byName[e.Name] = len(f.entries)
		f.entries = append(f.entries, e)
	}
	for _, key := range slices.Sorted(maps.Keys(h.metadata)) {
		value := h.metadata[key]
		if was, ok := f.metadata[key]; ok && was != value {
			return &FormatError{part.path, "", fmt.Sprintf("__metadata__: key %s is %s here and %s before",
				quote.Name(key), quote.Name(value), quote.Name(was))}
		}
		f.metadata[key] = value
	}
	return nil
}

// parseIndex reads the text of an index.
func parseIndex(path, text string) (*index, error) {
	if !utf8.ValidString(text) {
		return nil, &FormatError{path, "", "the index isn't UTF-8"}
	}
	x := &index{metadata: make(map[string]string)}
	s := &scanner{text: text}
	tensor := ""
	var keys keySet
	err := s.object(func(key string) error {
		if err := keys.add(key); err != nil {
			return err
		}
		switch key {
		case "weight_map":
			x.shardOf = make(map[string]string)
			err := s.object(func(name string) error {
				tensor = name
				return s.weight(name, x.shardOf)
			})
			if err == nil {
				tensor = ""
			}
			return err
		case "metadata":
			return s.scalars(x.metadata)
		}
		for _, known := range []string{"weight_map", "metadata"} {
			if strings.EqualFold(key, known) {
				return fmt.Errorf("key %s: want %q in this very spelling", quote.Name(key), known)
			}
		}
		_, err := s.skip(1)
		return err
	})
	if err == nil {
		if s.space(); s.pos < len(s.text) {
			err = s.fail("%s after the index's last '}'", s.here())
		}
	}
	if err == nil && len(x.shardOf) == 0 {
		err = errors.New("the index has no weight_map, or an empty one")
	}
	if err != nil {
		return nil, classify(path, tensor, err)
	}
	return x, nil
}

// weight reads one value of weight_map: the name of a file beside the index.
func (s *scanner) weight(tensor string, shardOf map[string]string) error {
	if _, twice := shardOf[tensor]; twice {
		return errors.New("the name appears twice in weight_map")
	}
	if len(shardOf) == maxTensors {
		return limitError(fmt.Sprintf("weight_map has more than %d tensors", maxTensors))
	}
	s.space()
	name, err := s.str()
	if err != nil {
		return err
	}
	// The file itself may be a symbolic link out of the folder, as in a download
	// cache: its owner made that link, not the index.
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\:\x00") {
		return fmt.Errorf("shard %s: want the name of a file beside the index", quote.Name(name))
	}
	shardOf[tensor] = name
	return nil
}

// scalars reads an object into m, each scalar as text.
func (s *scanner) scalars(m map[string]string) error {
	var keys keySet
	return s.object(func(key string) error {
		if err := keys.add(key); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
		s.space()
		if s.pos < len(s.text) && s.text[s.pos] == '"' {
			value, err := s.str()
			m[key] = value
			return err
		}
		value, err := s.skip(2)
		if err == nil && value[0] != '{' && value[0] != '[' && value != "null" {
			m[key] = value
		}
		return err
	})
}

package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/crate-vk/crate-vk/loader/quote"
	"github.com/crate-vk/crate-vk/loader/regular"
)

// File is an open model: one safetensors file, or an index with its shards. It
// reads through the descriptors that [Open] made, so that a file that is replaced
// or deleted afterwards stays one version until Close. Its methods are safe for
// concurrent use.
type File struct {
	path     string
	files    []*shard       // sorted by name, with the index of a sharded checkpoint
	shards   []*shard       // the files that hold tensors, sorted by name
	entries  []entry        // shard by shard, each in the order of its data
	byName   map[string]int // index into entries
	metadata map[string]string

	mu   sync.Mutex
	hash string // of Hash, once it is known
}

// source is what a shard reads from; *os.File is one.
type source interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// shard is one open file, with its size and time of modification at Open.
type shard struct {
	path    string
	name    string // within the checkpoint's folder
	src     source
	size    int64
	modTime time.Time
	data    int64 // where the data section starts
}

// Open opens a safetensors file, or a sharded checkpoint by its index, whose name
// ends in ".index.json", or the one of both that a folder holds as
// model.safetensors or model.safetensors.index.json. It reads and checks the header of every file and none of
// the tensors.
//
// Errors: [*FormatError], [*UnsupportedError] (this covers what isn't a regular
// file, which is never waited on), [*fs.PathError].
func Open(path string) (*File, error) {
	path, err := within(path)
	if err != nil {
		return nil, err
	}
	s, err := openShard(path, path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(strings.ToLower(path), ".index.json") {
		return openIndex(s)
	}
	return newFile(s)
}

func openShard(path, name string) (*shard, error) {
	f, info, err := regular.Open(path, regular.Weights)
	if what := regular.Refused(err); what != "" {
		return nil, &UnsupportedError{path, "", what}
	}
	if err != nil {
		return nil, err
	}
	return &shard{path: path, name: name, src: f, size: info.Size(), modTime: info.ModTime()}, nil
}

// newFile makes a File of one shard, which it owns from here on.
func newFile(s *shard) (*File, error) {
	h, err := s.header()
	if err != nil {
		s.src.Close()
		return nil, err
	}
	return &File{
		path: s.path, files: []*shard{s}, shards: []*shard{s},
		entries: h.entries, byName: h.byName, metadata: h.metadata,
	}, nil
}

// header reads and checks the shard's header and sets s.data.
func (s *shard) header() (*header, error) {
	if s.size < 8 {
		return nil, &FormatError{s.path, "", fmt.Sprintf("is no safetensors file: it has %d bytes, and the length of the header alone takes 8", s.size)}
	}
	var prefix [8]byte
	if err := s.readAt(prefix[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n > maxHeader:
		return nil, &FormatError{s.path, "", fmt.Sprintf("is no safetensors file: its header is %d bytes long, want at most %d", n, maxHeader)}
	case n > uint64(s.size-8):
		return nil, &FormatError{s.path, "", fmt.Sprintf("the header is %d bytes long, and %d bytes are left in the file", n, s.size-8)}
	}
	text, err := s.text(8, int64(n))
	if err != nil {
		return nil, err
	}
	s.data = 8 + int64(n)
	return parseHeader(s.path, text, s.size-s.data)
}

// text reads n bytes at off into a string, without holding them twice.
func (s *shard) text(off, n int64) (string, error) {
	var b strings.Builder
	b.Grow(int(n))
	chunk := make([]byte, min(n, chunkSize))
	for n > 0 {
		chunk = chunk[:min(n, chunkSize)]
		if err := s.readAt(chunk, off); err != nil {
			return "", err
		}
		b.Write(chunk)
		off += int64(len(chunk))
		n -= int64(len(chunk))
	}
	return b.String(), nil
}

// readAt fills p. The range was checked against the size at Open, so that a short
// read means that the file shrank.
func (s *shard) readAt(p []byte, off int64) error {
	n, err := s.src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%s: %w: it ends before byte %d", quote.Path(s.path), ErrChanged, off+int64(len(p)))
	}
	return quote.Error(err)
}

// unchanged compares the file's size and time of modification with those at Open.
// A write that keeps the size within the clock tick of Open goes unnoticed.
func (s *shard) unchanged() error {
	info, err := s.src.Stat()
	if err != nil {
		return quote.Error(err)
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.modTime) {
		return fmt.Errorf("%s: %w: it had %d bytes of %s, now %d of %s", quote.Path(s.path), ErrChanged,
			s.size, s.modTime.Format(time.RFC3339Nano), info.Size(), info.ModTime().Format(time.RFC3339Nano))
	}
	return nil
}

// Path returns the path that was given to Open.
func (f *File) Path() string { return f.path }

// Tensors lists the tensors, shard by shard (sorted by name), each in the order
// of its data.
func (f *File) Tensors() []Info {
	list := make([]Info, len(f.entries))
	for i := range f.entries {
		list[i] = f.entries[i].Info
	}
	return list
}

// Lookup returns the tensor of that name.
func (f *File) Lookup(name string) (Info, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Info{}, false
	}
	return f.entries[i].Info, true
}

// Metadata returns a copy of the header's __metadata__; of a sharded checkpoint,
// that of the index and of all shards.
func (f *File) Metadata() map[string]string {
	m := maps.Clone(f.metadata)
	if m == nil {
		m = make(map[string]string)
	}
	return m
}

// Size returns the number of bytes of all files together.
func (f *File) Size() int64 {
	var n int64
	for _, s := range f.files {
		n += s.size
	}
	return n
}

// Close closes the files. Reads that are under way may fail with fs.ErrClosed.
// Closing twice is harmless.
func (f *File) Close() error {
	var first error
	for _, s := range f.files {
		if err := s.src.Close(); err != nil && first == nil && !errors.Is(err, fs.ErrClosed) {
			first = err
		}
	}
	return first
}

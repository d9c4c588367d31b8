package weights

import (
	"bytes"
	"io/fs"
	"time"
)

// OpenBytes opens a safetensors file that is in memory, such as one that is
// embedded in a program. The name stands for its path in messages; data must
// not be changed while the file is open.
func OpenBytes(name string, data []byte) (*File, error) {
	return newFile(&shard{path: name, name: name, src: inMemory{bytes.NewReader(data), int64(len(data))}, size: int64(len(data))})
}

// inMemory is a source that never changes.
type inMemory struct {
	*bytes.Reader
	size int64
}

func (inMemory) Close() error                 { return nil }
func (m inMemory) Stat() (fs.FileInfo, error) { return m, nil }

// inMemory describes itself, as far as a shard asks.
func (m inMemory) Name() string     { return "" }
func (m inMemory) Size() int64      { return m.size }
func (inMemory) Mode() fs.FileMode  { return 0o444 }
func (inMemory) ModTime() time.Time { return time.Time{} }
func (inMemory) IsDir() bool        { return false }
func (inMemory) Sys() any           { return nil }

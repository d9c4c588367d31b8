package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// memory is a source without a disk.
type memory struct{ *bytes.Reader }

func (m memory) Close() error               { return nil }
func (m memory) Stat() (fs.FileInfo, error) { return m, nil }
func (m memory) Name() string               { return "memory" }
func (m memory) Mode() fs.FileMode          { return 0o600 }
func (m memory) ModTime() time.Time         { return time.Time{} }
func (m memory) IsDir() bool                { return false }
func (m memory) Sys() any                   { return nil }

func openBytes(data []byte) (*File, error) {
	return newFile(&disk{path: "model.pth", src: memory{bytes.NewReader(data)}, size: int64(len(data))})
}

// packed makes an archive of a pickle, without its protocol and its end, and
// storages.
func packed(pickle string, storages ...[]byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	put := func(name string, data []byte) {
		e, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = e.Write(data)
		}
		if err != nil {
			panic(err)
		}
	}
	put("a/data.pkl", []byte("\x80\x02"+pickle+"."))
	for i, s := range storages {
		put(fmt.Sprint("a/data/", i), s)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func le32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func text(s string) string { return "X" + le32(len(s)) + s }

func number(n int) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func numbers(list []int) string {
	s := "("
	for _, n := range list {
		s += number(n)
	}
	return s + "t"
}

// view pickles a tensor on storage key.
func view(class string, key, count, offset int, shape, strides []int) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + class + "\n" + text(fmt.Sprint(key)) +
		text("cpu") + number(count) + "tQ" + number(offset) + numbers(shape) + numbers(strides) + "\x89}tR"
}

// one is an archive with the tensor w = [1 2].
func one() []byte {
	return packed("}"+text("w")+view("FloatStorage", 0, 2, 0, []int{2}, []int{1})+"s", []byte("\x00\x00\x80\x3f\x00\x00\x00\x40"))
}

// shrunk reads as if the file had ended early.
type shrunk struct {
	memory
	size int64
}

func (s shrunk) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > s.size {
		return 0, io.EOF
	}
	return s.memory.ReadAt(p, off)
}

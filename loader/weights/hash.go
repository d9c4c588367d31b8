package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash returns the SHA-256 of the file in hexadecimal, as sha256sum prints it. Of
// a sharded checkpoint it is the SHA-256 of what sha256sum prints for the index
// and the shards, sorted by name:
//
//	sha256sum *.safetensors *.safetensors.index.json | LC_ALL=C sort -k2 | sha256sum
//
// It is read from the descriptors that Open made, in full the first time, so that
// it names the version that the tensors come from. If a file changed since, the
// error wraps [ErrChanged].
func (f *File) Hash() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hash != "" {
		for _, s := range f.files {
			if err := s.unchanged(); err != nil {
				return "", err
			}
		}
		return f.hash, nil
	}
	if len(f.files) == 1 {
		sum, err := f.shards[0].sum()
		f.hash = sum
		return sum, err
	}
	list := sha256.New()
	for _, s := range f.files {
		sum, err := s.sum()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(list, "%s  %s\n", sum, s.name)
	}
	f.hash = hex.EncodeToString(list.Sum(nil))
	return f.hash, nil
}

// sum returns the SHA-256 of one file.
func (s *shard) sum() (string, error) {
	h := sha256.New()
	buf := make([]byte, chunkSize)
	for at := int64(0); at < s.size; at += int64(len(buf)) {
		buf = buf[:min(s.size-at, chunkSize)]
		if err := s.readAt(buf, at); err != nil {
			return "", err
		}
		h.Write(buf)
	}
	if err := s.unchanged(); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

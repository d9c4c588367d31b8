package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// diskCache keeps small files by device, driver version and SPIR-V. What can't
// be read is treated as not there; every file carries its own checksum, so a
// corrupt one is ignored.
type diskCache struct {
	dir string // "": nothing is kept
	key string
}

// spirvHash identifies the embedded kernels.
var spirvHash = sync.OnceValue(func() string {
	h := sha256.New()
	for _, k := range shaders.Manifest() {
		for _, v := range k.Variants {
			code, err := shaders.SPIRV(v.Name)
			if err == nil {
				fmt.Fprintf(h, "%s %d\n", v.Name, len(code))
				h.Write(code)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
})

func newDiskCache(dir string, info vk.Info, bits int) *diskCache {
	id := fmt.Sprintf("%s %d %s %s %d %s", info.UUID, info.Driver, info.DriverInfo, info.Name, bits, spirvHash())
	sum := sha256.Sum256([]byte(id))
	return &diskCache{dir, hex.EncodeToString(sum[:12])}
}

func (c *diskCache) path(name string) string { return filepath.Join(c.dir, c.key+"."+name) }

// read returns the contents of a file, nil when it is missing or corrupt.
func (c *diskCache) read(name string) []byte {
	if c.dir == "" {
		return nil
	}
	data, err := os.ReadFile(c.path(name))
	if err != nil || len(data) < sha256.Size {
		return nil
	}
	body := data[sha256.Size:]
	if sha256.Sum256(body) != [sha256.Size]byte(data[:sha256.Size]) {
		return nil
	}
	return body
}

// write replaces a file atomically. The cache is an aid: failures are silent.
func (c *diskCache) write(name string, body []byte) {
	if c.dir == "" || os.MkdirAll(c.dir, 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(c.dir, c.key+".*.tmp")
	if err != nil {
		return
	}
	defer os.Remove(tmp.Name())
	sum := sha256.Sum256(body)
	_, err = tmp.Write(append(sum[:], body...))
	if e := tmp.Close(); err == nil && e == nil {
		os.Rename(tmp.Name(), c.path(name))
	}
}

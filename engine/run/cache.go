package run

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// deviceCache keeps files by device, driver version and SPIR-V. What can't be
// read is treated as not there.
type deviceCache struct {
	dir diskcache.Dir
	key string
}

// spirvHash identifies the kernels that a device runs, which need not be the
// embedded ones: what was proved of others does not hold for them.
func spirvHash(spirv func(name string) ([]byte, error)) string {
	h := sha256.New()
	for _, k := range shaders.Manifest() {
		for _, v := range k.Variants {
			code, err := spirv(v.Name)
			if err == nil {
				fmt.Fprintf(h, "%s %d\n", v.Name, len(code))
				h.Write(code)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func newDeviceCache(dir diskcache.Dir, info vk.Info, bits int, spirv func(name string) ([]byte, error)) deviceCache {
	id := fmt.Sprintf("%s %d %s %s %d %s", info.UUID, info.Driver, info.DriverInfo, info.Name, bits, spirvHash(spirv))
	sum := sha256.Sum256([]byte(id))
	return deviceCache{dir, hex.EncodeToString(sum[:12])}
}

// read returns the contents of a file, nil when it is missing or corrupt.
func (c deviceCache) read(name string) []byte {
	body, err := c.dir.Read(c.key + "." + name)
	if err != nil {
		return nil
	}
	return body
}

// write replaces a file. The cache is an aid: failures are silent.
func (c deviceCache) write(name string, body []byte) {
	_ = c.dir.Write(c.key+"."+name, body)
}

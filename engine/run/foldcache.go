package run

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/crate-vk/crate-vk/engine/internal/diskcache"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// foldCache keeps a model's weights that were dear to evaluate, packed, on disk. The name
// of a file is a hash of the parameters' contents and of what is computed from
// them, so that nothing else need agree; what can't be read, or was cut or
// changed, is treated as not there.
type foldCache struct {
	dir    diskcache.Dir
	wrote  atomic.Bool // since it was pruned
	params sync.Map    // hashes of the model's parameters, by name
}

const (
	foldSuffix = ".folded"
	// foldBytes bounds the folder: the files not used for longest go first.
	foldBytes = 1 << 30
	// foldVersion changes with the meaning of an op, or the layout of the files.
	foldVersion = 2
	// foldLeast is the arithmetic above which a value is worth a file: some 5 ms.
	foldLeast = 20e6
)

// buildRevision keeps builds of different sources apart.
var buildRevision = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs") {
			text += " " + s.Value
		}
	}
	return text
})

// dear reports that evaluating a static value takes long.
func dear(v *graph.Value) bool {
	flops := 0.0
	seen := map[*graph.Value]bool{}
	var walk func(v *graph.Value)
	walk = func(v *graph.Value) {
		if seen[v] {
			return
		}
		seen[v] = true
		if v.Op == graph.OpMatMul {
			flops += 2 * float64(v.Shape().Elems()) * float64(v.Args[0].Shape().Last())
		}
		for _, a := range v.Args {
			if a != nil {
				walk(a)
			}
		}
	}
	walk(v)
	return flops >= foldLeast
}

// key is the name of what an expression makes of parameters in a layout. Each
// parameter is hashed once: a folded matrix and its bias read the same.
func (c *foldCache) key(v *graph.Value, lay plan.Layout, read func(name string, t graph.Type) ([]float64, error)) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %s\n%s\n%s\n", foldVersion, buildRevision(), runtime.GOARCH, expression(v), lay)
	seen := map[*graph.Value]bool{}
	var walk func(v *graph.Value) error
	walk = func(v *graph.Value) error {
		if seen[v] {
			return nil
		}
		seen[v] = true
		if v.Op == graph.OpParam {
			name := v.Str("name")
			sum, ok := c.params.Load(name)
			if !ok {
				x, err := read(name, v.Type)
				if err != nil {
					return err
				}
				sum = hashFloats(x)
				c.params.Store(name, sum)
			}
			fmt.Fprintf(h, "%x\n", sum)
		}
		for _, a := range v.Args {
			if a != nil {
				if err := walk(a); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(v); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func hashFloats(x []float64) [sha256.Size]byte {
	h := sha256.New()
	buf := make([]byte, 0, 64<<10)
	for len(x) > 0 {
		n := min(len(x), cap(buf)/8)
		buf = buf[:0]
		for _, y := range x[:n] {
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(y))
		}
		h.Write(buf)
		x = x[n:]
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// read returns the packed weight of that many bytes, nil when there is none.
func (c *foldCache) read(key string, size int64) []byte {
	body, err := c.dir.Read(key + foldSuffix)
	if err != nil || int64(len(body)) != size {
		return nil
	}
	c.dir.Touch(key + foldSuffix)
	return body
}

// write stores a packed weight. The cache is an aid: failures are silent.
func (c *foldCache) write(key string, body []byte) {
	if c.dir.Write(key+foldSuffix, body) == nil {
		c.wrote.Store(true)
	}
}

// prune keeps the folder below a number of bytes.
func (c *foldCache) prune(limit int64) { c.dir.Prune(foldSuffix, limit) }

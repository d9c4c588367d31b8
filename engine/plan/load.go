package plan

import (
	"strings"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Load is how the lanes kernels read tensors.
type Load string

// The ways to load.
const (
	LoadTexels  Load = "texel"
	LoadStorage Load = "storage"
)

// preferredLoad is the static choice.
func preferredLoad(lim Limits) Load {
	if PrefersTexels(lim) {
		return LoadTexels
	}
	return LoadStorage
}

// otherLoad is the way to load that the static choice does not take.
func otherLoad(lim Limits) Load {
	if PrefersTexels(lim) {
		return LoadStorage
	}
	return LoadTexels
}

// PrefersTexels reports whether inputs should be texel buffers: on llvmpipe before
// Mesa 25 a fetch costs a quarter of a storage-buffer load, which is a loop
// over the lanes there; elsewhere it is the other way round.
func PrefersTexels(lim Limits) bool {
	name := strings.ToLower(lim.Device + " " + lim.Driver)
	return strings.Contains(name, "llvmpipe") && !strings.Contains(name, "mesa 25")
}

// loadPath is the suffix of a lanes kernel's variant: texels where those are
// asked for and every tensor fits a texel buffer.
func (l *lowering) loadPath(f form, load Load, buffers ...int) string {
	if l.isOnly(f) && !l.opt.only.Has("TEXEL") || load != LoadTexels {
		return ""
	}
	for _, b := range buffers {
		if b >= 0 && !l.texels(l.Buffers[b].Layout) {
			return ""
		}
	}
	return ".texel"
}

// lanesVariant is the variant of a lanes kernel that loads so, where every tensor
// allows it; the one that loads by storage buffers where that is disabled.
func (l *lowering) lanesVariant(v *graph.Value, f form, half bool, path string) *shaders.Variant {
	k := l.variant(v, f.kernel(), half, path)
	if path != "" && !l.usable(k) {
		k = l.variant(v, f.kernel(), half)
	}
	return k
}

// texels reports that a tensor fits a texel buffer.
func (l *lowering) texels(lay Layout) bool {
	return lay.Bytes()/int64(4*lay.Elem.Bytes()) <= int64(l.lim.MaxTexels)
}

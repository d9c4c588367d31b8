package plan

import (
	"cmp"

	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/shaders"
)

// Load is how the lanes kernels read tensors. Results don't depend on it, bit for
// bit; the time does, up to twice either way, from driver version to driver version.
type Load string

// The ways to load.
const (
	LoadTexels  Load = "texel"
	LoadStorage Load = "storage"
)

// preferredLoad is the static choice: what was measured on the device, and storage
// buffers where nothing was.
func preferredLoad(lim Limits) Load { return cmp.Or(lim.Load, LoadStorage) }

// loadTexels is how many elements a texel buffer must be able to have: smaller ones
// don't hold a model's larger tensors.
const loadTexels = 1 << 20

// Loads are the ways to load among which a device is to be measured; nil where there
// is no choice.
func Loads(lim Limits) []Load {
	if FamilyFor(lim) != Lanes || lim.MaxTexels < loadTexels {
		return nil
	}
	return []Load{LoadStorage, LoadTexels}
}

// otherLoad is the way to load that the static choice does not take.
func otherLoad(lim Limits) Load {
	if preferredLoad(lim) == LoadTexels {
		return LoadStorage
	}
	return LoadTexels
}

// loadPath is the suffix of a lanes kernel's variant: texels where those are
// asked for and every tensor fits a texel buffer.
func (l *lowering) loadPath(f form, load Load, buffers ...int) string {
	texels := load == LoadTexels
	if l.isOnly(f) { // a case is of one variant, whatever the device prefers
		texels = l.opt.only.Has("TEXEL")
	}
	if !texels {
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

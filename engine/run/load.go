package run

import (
	"sync"

	"github.com/crate-vk/crate-vk/engine/plan"
)

// loadFile is where a device's way to load is kept.
const loadFile = "load"

// loads are the ways to load by deviceCache.key: a device that is opened again, and
// one without a cache folder, is not measured anew.
var loads sync.Map

// keptLoad is how the lanes kernels load on a device, as this process or an earlier
// one measured it; "" where none did.
func keptLoad(c deviceCache) plan.Load {
	if l, ok := loads.Load(c.key); ok {
		return l.(plan.Load)
	}
	switch l := plan.Load(c.read(loadFile)); l {
	case plan.LoadTexels, plan.LoadStorage:
		return l
	}
	return ""
}

// SetLoad settles how the lanes kernels load on this device, and keeps it for later
// runs.
func (d *Device) SetLoad(l plan.Load) {
	d.Limits.Load = l
	loads.Store(d.kept.key, l)
	d.Keep(loadFile, []byte(l))
}

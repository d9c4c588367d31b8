package run

import (
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/shaders"
)

// TestProcessors: devices as they report themselves (Mesa 26.1 on stub devices, MoltenVK
// by its source), what processor they have, and which subgroup size is asked for in a kernel with subgroup
// operations and in one without.
func TestProcessors(t *testing.T) {
	uniform, tiles := lookup(t, "attend_uniform"), lookup(t, "linear_tiles")
	for name, x := range map[string]struct {
		vendor, device, driver uint32
		size, least, most      int // of subgroups
		registers              int
		want                   plan.Processor
		uniform, tiles         int
	}{
		"NVK, Ampere":           {0x10de, 0x2204, 24, 32, 32, 32, 0, plan.NVIDIA, 32, 0},
		"RADV, Vega":            {0x1002, 0x687f, 3, 64, 64, 64, 256, plan.GCN, 64, 0},
		"RADV, Navi 21":         {0x1002, 0x73bf, 3, 64, 32, 64, 512, plan.RDNA, 32, 0},
		"RADV, Navi 31":         {0x1002, 0x744c, 3, 64, 32, 64, 768, plan.RDNA3, 32, 32},
		"AMD that doesn't tell": {0x1002, 0x7550, 1, 64, 32, 64, 0, plan.RDNA3, 32, 32},
		"ANV, Tiger Lake":       {0x8086, 0x9a49, 6, 32, 8, 32, 0, plan.Gen12, 8, 0},
		"ANV, Battlemage":       {0x8086, 0xe20b, 6, 32, 16, 32, 0, plan.Xe2, 16, 0},
		"Turnip, Adreno 630":    {0x5143, 0x06030001, 18, 128, 64, 128, 0, plan.Adreno6, 64, 0},
		"Turnip, Adreno 740":    {0x5143, 0x43050a01, 18, 128, 64, 128, 0, plan.Adreno7, 64, 0},
		"Honeykrisp, M1":        {0x10005, 0, 26, 32, 32, 32, 0, plan.Apple, 32, 0},
		"MoltenVK, M1":          {0x106b, 0x1a0203e8, 14, 32, 32, 32, 0, plan.Apple, 32, 0},
		"a Mali":                {0x13b5, 0x92020010, 9, 16, 16, 16, 0, plan.Mobile, 16, 0},
		"nobody's":              {0x1af4, 1, 0, 32, 32, 32, 0, plan.UnknownProcessor, 32, 0},
	} {
		info := vk.Info{Name: name, Type: vk.TypeDiscrete, Vendor: x.vendor, Device: x.device, DriverID: x.driver, Subgroup: x.size, MinSubgroup: x.least, MaxSubgroup: x.most,
			SizeControl: true, FullSubgroups: true, VectorRegisters: x.registers}
		if got := processorOf(info); got != x.want {
			t.Errorf("%s: processor %q, want %q", name, got, x.want)
		}
		lanes := subgroupOf(info)
		if lim := LimitsOf(info, 0); lim.Subgroup != x.uniform || lim.Processor != x.want {
			t.Errorf("%s: planned for subgroups of %d on %q", name, lim.Subgroup, lim.Processor)
		}
		c := func(string) int { return lanes }
		if got := requiredSubgroup(info, uniform, c); got != x.uniform {
			t.Errorf("%s: attend_uniform asks for subgroups of %d, want %d", name, got, x.uniform)
		}
		if got := requiredSubgroup(info, tiles, func(string) int { return 128 }); got != x.tiles {
			t.Errorf("%s: linear_tiles asks for subgroups of %d, want %d", name, got, x.tiles)
		}
		// Where kernels can't choose, it is the size that the device reports.
		info.SizeControl = false
		if got := subgroupOf(info); got != x.size {
			t.Errorf("%s without a choice of size: subgroups of %d, want its own %d", name, got, x.size)
		}
	}
}

func lookup(t *testing.T, name string) *shaders.Kernel {
	t.Helper()
	v, err := shaders.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return v.Kernel
}

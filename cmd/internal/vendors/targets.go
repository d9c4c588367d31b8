package main

import "github.com/crate-vk/crate-vk/cmd/internal/isa"

// target is a GPU that a vendor's open compiler compiles for here: nothing of it is there
// but its name, which a stub of its kernel driver tells.
type target struct {
	name   string
	gpu    string // in words
	driver *driver
	stub   string // preloaded library
	env    string // which GPU the stub tells of
	model  isa.GPU
	fast   bool // part of the short check
	former bool // what it was given before is shown
}

// driver is a Vulkan driver of Mesa, with how to read its statistics.
type driver struct {
	name, icd string
	// Statistics by the driver's own names. Spills are summed up.
	registers, occupancy, size string
	spills                     []string
	cycles                     string // the compiler's estimate, "": it makes none
	about                      string // what these columns are
	dialect                    isa.Dialect
	prints                     bool     // its machine code, to the standard output
	env                        []string // that it needs for that
	// The least occupancy that a product and an attention may have; 0: not asked for.
	product, attention float64
}

var (
	nvk = &driver{name: "NVK", dialect: isa.NVK, cycles: "Static cycle count", icd: "nouveau", registers: "Number of GPRs", occupancy: "Max warps/SM", size: "Instruction count",
		spills: []string{"Spills to memory", "Spills to reg"}, product: 16, attention: 12,
		about: "registers of an invocation (255 at most), values spilled, subgroups of 32 that a multiprocessor has at once (of 48 or 64)"}
	radv = &driver{name: "RADV", dialect: isa.RADV, icd: "radeon", registers: "VGPRs", occupancy: "Subgroups per SIMD", size: "Instructions",
		spills: []string{"Spilled VGPRs", "Spilled SGPRs"},
		about:  "vector registers of an invocation, vector and scalar registers spilled, subgroups that a SIMD has at once"}
	anv = &driver{name: "ANV", dialect: isa.ANV, cycles: "Cycles", icd: "intel", registers: "Max live registers", occupancy: "Max dispatch width", size: "Instructions",
		spills: []string{"Spills"},
		about:  "registers of a thread that are live at once (128 of 32 bytes before Xe2, 256 of 32 bytes as the compiler counts on it), values spilled, invocations of a subgroup"}
	turnip = &driver{name: "Turnip", dialect: isa.Turnip, icd: "freedreno", registers: "Registers used", occupancy: "Max Waves Per Core", size: "Instruction Count",
		spills: []string{"STP Count", "LDP Count"},
		about:  "registers of four components, loads and stores of private memory, subgroups of 64 or 128 that a core has at once"}
	honeykrisp = &driver{name: "Honeykrisp", dialect: isa.Honeykrisp, prints: true, env: []string{"AGX_MESA_DEBUG=shaders"}, icd: "asahi", registers: "GPRs", occupancy: "Threads", size: "Instructions",
		spills: []string{"Spills", "Fills"},
		about:  "16-bit registers of an invocation (256 at most), values spilled and loaded again, invocations that a core has at once (1024 at most)"}
)

var targets = []target{
	{name: "nvk-turing", gpu: "NVIDIA Turing", driver: nvk, stub: "nouveau", env: "NOUVEAU_CHIPSET=0x164", model: isa.Turing},
	{name: "nvk-ampere", gpu: "NVIDIA Ampere", driver: nvk, stub: "nouveau", env: "NOUVEAU_CHIPSET=0x172", model: isa.Ampere, fast: true, former: true},
	{name: "nvk-ada", gpu: "NVIDIA Ada", driver: nvk, stub: "nouveau", env: "NOUVEAU_CHIPSET=0x192", model: isa.Ampere},
	{name: "nvk-blackwell", gpu: "NVIDIA Blackwell", driver: nvk, stub: "nouveau", env: "NOUVEAU_CHIPSET=0x1b2", model: isa.Ampere},
	{name: "radv-vega10", gpu: "AMD Vega 10 (GCN 5)", driver: radv, stub: "amdgpu", env: "AMDGPU_GPU_ID=vega10", model: isa.Vega10},
	{name: "radv-navi21", gpu: "AMD Navi 21 (RDNA 2)", driver: radv, stub: "amdgpu", env: "AMDGPU_GPU_ID=navi21", model: isa.Navi21, fast: true},
	{name: "radv-navi31", gpu: "AMD Navi 31 (RDNA 3)", driver: radv, stub: "amdgpu", env: "AMDGPU_GPU_ID=navi31", model: isa.Navi31},
	{name: "radv-gfx1201", gpu: "AMD Navi 48 (RDNA 4)", driver: radv, stub: "amdgpu", env: "AMDGPU_GPU_ID=gfx1201", model: isa.Navi48},
	{name: "anv-tgl", gpu: "Intel Tiger Lake (Gen12)", driver: anv, stub: intelStub, env: "CRATE_VK_INTEL=tgl", model: isa.XeLP, former: true},
	{name: "anv-dg2", gpu: "Intel Arc A770 (DG2)", driver: anv, stub: intelStub, env: "CRATE_VK_INTEL=dg2", model: isa.XeHPG, former: true},
	{name: "anv-mtl", gpu: "Intel Meteor Lake", driver: anv, stub: intelStub, env: "CRATE_VK_INTEL=mtl", model: isa.XeHPG, former: true},
	{name: "anv-lnl", gpu: "Intel Lunar Lake (Xe2)", driver: anv, stub: intelStub, env: "CRATE_VK_INTEL=lnl", model: isa.XeHPG, former: true},
	{name: "anv-bmg", gpu: "Intel Arc B580 (Battlemage, Xe2)", driver: anv, stub: intelStub, env: "CRATE_VK_INTEL=bmg", model: isa.XeHPG, fast: true, former: true},
	{name: "turnip-a630", gpu: "Qualcomm Adreno 630", driver: turnip, stub: "freedreno", env: "FD_GPU_ID=630", model: isa.Adreno, former: true},
	{name: "turnip-a740", gpu: "Qualcomm Adreno 740", driver: turnip, stub: "freedreno", env: "FD_GPU_ID=740", model: isa.Adreno, former: true},
	{name: "honeykrisp-m1", gpu: "Apple M1", driver: honeykrisp, stub: "asahi", model: isa.AppleM1, former: true},
}

// spilled sums up a row's spills.
func (d *driver) spilled(r row) float64 {
	n := 0.0
	for _, s := range d.spills {
		n += r.Statistics[s]
	}
	return n
}

// least is the occupancy that a kernel must have, 0: any.
func (d *driver) least(kernel string) float64 {
	switch kernel {
	case "linear_tiles", "linear_tiles.f16":
		return d.product
	case "attend_uniform", "attend_uniform.f16":
		return d.attention
	}
	return 0
}

package plan

// Processor is a kind of processor, as far as the shapes of kernels depend on it: how many
// registers an invocation has before the compiler moves values to memory ("spills"), and
// how many invocations a subgroup should have. The zero value is a processor that nobody
// knows, for which the smallest shapes are taken.
type Processor string

// The processors. package run tells which one a device has.
const (
	UnknownProcessor Processor = ""
	CPU              Processor = "cpu"     // a software device with GPUs' kernels
	NVIDIA           Processor = "nvidia"  // since Maxwell
	GCN              Processor = "gcn"     // AMD before RDNA
	RDNA             Processor = "rdna"    // AMD, RDNA 1 and 2
	RDNA3            Processor = "rdna3"   // AMD, RDNA 3 and later
	Gen12            Processor = "gen12"   // Intel until Meteor Lake, with Arc A
	Xe2              Processor = "xe2"     // Intel since Lunar Lake, with Arc B
	Adreno6          Processor = "adreno6" // Qualcomm until Adreno 6xx
	Adreno7          Processor = "adreno7" // Qualcomm since Adreno 7xx
	Apple            Processor = "apple"   // since M1
	Mobile           Processor = "mobile"  // ARM, Broadcom, Imagination
)

// Registers is the row of a processor: what kernels may keep in the registers of one
// invocation. Each row but Mobile's is what the vendor's open compiler compiles without a
// spill (docs/vendors.md, made by make vendors, whose -check finds a row that no longer holds).
type Registers struct {
	// Subgroup is the subgroup size of kernels with subgroup operations, where the device
	// lets them choose; 0: its own.
	Subgroup int
	// Always says that kernels without subgroup operations are compiled for that size, too;
	// elsewhere it is the compiler's choice.
	Always bool
	// Block bounds the outputs of an invocation of linear_tiles: 64 is 8×8.
	Block int
	// Slice bounds the quads of a head that an invocation of attend_uniform has, each as a
	// query and as a sum: about eight registers a quad.
	Slice int
	// Keys is the number of keys that attend_uniform takes at a step, Chunk the quads of a
	// key that it loads at once.
	Keys, Chunk int
	// Kept bounds the quads of a query that attend_map keeps; wider heads' are read again
	// with each key.
	Kept int
	// WideShared says that shared memory delivers a byte for each fp32 operation;
	// elsewhere half a byte.
	WideShared bool
}

// Registers is the processor's row.
func (p Processor) Registers() Registers {
	if r, ok := processors[p]; ok {
		return r
	}
	return processors[Mobile]
}

var processors = map[Processor]Registers{
	CPU: {Block: 64, Slice: 20, Keys: 8, Chunk: 4, Kept: 20},

	// 255 registers; of 65,536 on a multiprocessor, 128 each leave 16 subgroups in flight
	// and 168 each 12. Chunks of four quads would take 30 registers more.
	NVIDIA: {Subgroup: 32, Block: 64, Slice: 12, Keys: 8, Chunk: 2, Kept: 20},

	// 256 registers for one subgroup of 64 in flight, which can't hide latency: at most 128.
	// Keys are scalars, of which there are 100: with eight keys at a step some are spilled.
	GCN: {Subgroup: 64, Block: 64, Slice: 12, Keys: 4, Chunk: 4, Kept: 20, WideShared: true},
	// The same scalars, and twice the registers in subgroups of 32.
	RDNA: {Subgroup: 32, Block: 64, Slice: 20, Keys: 4, Chunk: 4, Kept: 20, WideShared: true},
	// In subgroups of 32 the compiler pairs multiply-adds, and two are issued at once.
	RDNA3: {Subgroup: 32, Always: true, Block: 64, Slice: 20, Keys: 4, Chunk: 4, Kept: 20},

	// 4 kB a thread, whatever its subgroup: 128 values in subgroups of 8, 64 in those of 16.
	Gen12: {Subgroup: 8, Block: 32, Slice: 6, Keys: 8, Chunk: 2, Kept: 20},
	// 8 kB a thread: 128 values in subgroups of 16. A head of four slices of eight quads spills.
	Xe2: {Subgroup: 16, Block: 32, Slice: 6, Keys: 8, Chunk: 2, Kept: 20},

	// 48 registers of four components; the compiler of Adreno 6xx moves all rows' addresses
	// out of a loop, which leaves few of them.
	Adreno6: {Subgroup: 64, Block: 64, Slice: 4, Keys: 4, Chunk: 2, Kept: 4},
	Adreno7: {Subgroup: 64, Block: 64, Slice: 12, Keys: 8, Chunk: 2, Kept: 20},

	// 128 registers.
	Apple: {Subgroup: 32, Block: 32, Slice: 6, Keys: 8, Chunk: 2, Kept: 20},

	// 64 registers on Mali and V3D as their vendors document them; no open compiler of
	// theirs has a stub device to compile for.
	Mobile: {Block: 16, Slice: 4, Keys: 4, Chunk: 1, Kept: 4},
}

package isa

import (
	"fmt"
	"strings"
)

// GPU is a GPU's throughput. What its vendor, or those who measured it, don't tell is zero
// and bounds nothing.
type GPU struct {
	Name string // in words, with the card whose second-level cache it is

	// Flops are the fp32 operations of a core (a compute unit, a multiprocessor, a subslice)
	// in a clock, at peak. Shared, L1 and L2 are the bytes that shared memory, the first
	// cache and the second-level cache deliver to it in a clock. A byte counts for each
	// lane that gets it, also where lanes read the same.
	Flops, Shared, L1, L2 float64

	// FlopsSlot are the operations of a lane in a slot of the unit that multiplies and
	// adds, at peak: 2, or 4 where pairs are issued at once. Pipe lists what takes slots of
	// that unit, SpecialSlots how many slots one instruction of Special takes there.
	FlopsSlot    float64
	Pipe         []Unit
	SpecialSlots int
	// FlopsIssue are the operations of a lane for each instruction that a scheduler issues,
	// at peak, where every instruction has to pass one; FlopsScalar for each one of the
	// scalar unit.
	FlopsIssue, FlopsScalar float64

	Banks bool // shared memory has 32 banks, and serves 16 bytes of eight lanes at a time
}

var arithmetic = []Unit{MultiplyAdd, Float, Integer, Move}

// The GPUs of the report.
var (
	// AMD's compute units: four SIMDs of 16 lanes, or two of 32; 128 bytes a clock from shared
	// memory, 64 from the first vector cache. A scalar instruction is issued beside a vector
	// instruction of another subgroup.
	Vega10 = GPU{Name: "RX Vega 64, 64 compute units", Flops: 128, Shared: 128, L1: 64, L2: 1024.0 / 64, FlopsSlot: 2, Pipe: arithmetic, SpecialSlots: 4, FlopsScalar: 2, Banks: true}
	Navi21 = GPU{Name: "RX 6900 XT, 80 compute units", Flops: 128, Shared: 128, L1: 64, L2: 1024.0 / 80, FlopsSlot: 2, Pipe: arithmetic, SpecialSlots: 4, FlopsScalar: 2, Banks: true}
	Navi31 = GPU{Name: "RX 7900 XTX, 96 compute units", Flops: 256, Shared: 128, L1: 64, L2: 1536.0 / 96, FlopsSlot: 4, Pipe: arithmetic, SpecialSlots: 4, FlopsScalar: 4, Banks: true}
	Navi48 = GPU{Name: "RX 9070 XT", Flops: 256, Shared: 128, L1: 64, FlopsSlot: 4, Pipe: arithmetic, SpecialSlots: 4, FlopsScalar: 4, Banks: true}

	// NVIDIA's multiprocessors have four schedulers, each of which issues an instruction a
	// clock. Turing's need two clocks for 32 lanes of fp32; later ones one. Shared memory is
	// the first cache: 64 bytes a clock on Turing, 128 later.
	Turing = GPU{Name: "Turing's multiprocessors", Flops: 128, Shared: 64, L1: 64, FlopsSlot: 2, Pipe: []Unit{MultiplyAdd, Float}, FlopsIssue: 1, Banks: true}
	Ampere = GPU{Name: "multiprocessors since Ampere (as of GeForce)", Flops: 256, Shared: 128, L1: 128, FlopsSlot: 2, Pipe: []Unit{MultiplyAdd, Float}, FlopsIssue: 2, Banks: true}

	// Intel's subslices: 16 units of 8 lanes. Their data port has 128 bytes a clock on
	// Xe-LP; what later ones have isn't documented. Since Xe-HPG whole numbers have a
	// unit beside the one of floating-point numbers.
	XeLP  = GPU{Name: "Xe-LP", Flops: 256, Shared: 128, FlopsSlot: 2, Pipe: arithmetic}
	XeHPG = GPU{Name: "Xe-HPG and later", Flops: 256, FlopsSlot: 2, Pipe: []Unit{MultiplyAdd, Float}}

	// Adreno repeats an instruction once a clock for the fibers of a wave.
	Adreno = GPU{Name: "Adreno 6xx and 7xx", FlopsSlot: 2, Pipe: arithmetic}

	// Apple's cores have four schedulers, each of which issues an instruction a clock.
	AppleM1 = GPU{Name: "Apple M1", Flops: 256, FlopsSlot: 2, Pipe: arithmetic, FlopsIssue: 2}
)

// Describe says in a sentence what bounds a loop.
func (g GPU) Describe() string {
	var of []string
	add := func(condition bool, format string, args ...any) {
		if condition {
			of = append(of, fmt.Sprintf(format, args...))
		}
	}
	add(true, "arithmetic (%.0f flops of a lane a slot, at peak; slots are taken by %s)", g.FlopsSlot, g.takers())
	add(g.FlopsIssue > 0, "issue (an instruction for each %.0f flops of a lane, at peak; waits don't count)", g.FlopsIssue)
	add(g.FlopsScalar > 0, "the scalar unit (an instruction for each %.0f flops of a lane)", g.FlopsScalar)
	add(g.Shared > 0, "shared memory (%.0f bytes a clock for %.0f flops)", g.Shared, g.Flops)
	add(g.L1 > 0, "the first cache (%.0f bytes)", g.L1)
	add(g.L2 > 0, "the second cache (%.1f bytes)", g.L2)
	return strings.Join(of, ", ")
}

// takers lists what takes slots.
func (g GPU) takers() string {
	s := "multiply-adds and float alone"
	if len(g.Pipe) == len(arithmetic) {
		s = "multiply-adds, float, integer and moves"
	}
	if g.SpecialSlots > 0 {
		s += fmt.Sprintf(", and %d by one of special", g.SpecialSlots)
	}
	return s
}

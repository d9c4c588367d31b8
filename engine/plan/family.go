package plan

import "github.com/crate-vk/crate-vk/graph"

// Family is a set of kernels that share an activation layout.
type Family string

// The families.
const (
	Lanes Family = "lanes" // CPU devices: k-major tokens, no barriers, shuffles
	Tiles Family = "tiles" // GPUs: row-major tokens, shared-memory tiles
	Plain Family = "plain" // one plain kernel an op, row-major: what the others are compared with
)

// Families lists the families that a device can run.
func Families(lim Limits) []Family {
	if lim.Shuffle {
		return []Family{Lanes, Tiles, Plain}
	}
	return []Family{Tiles, Plain}
}

// FamilyFor is the static choice by device type.
func FamilyFor(lim Limits) Family {
	if lim.Type == Software && lim.Shuffle && lim.Subgroup >= 4 && lim.Subgroup <= lim.MaxInvocations {
		return Lanes
	}
	return Tiles
}

// rowPitch is the number of rows to which k-major token tensors are padded: an
// odd multiple of eight, so that neighbouring quads of a row don't fall into
// the same set of a cache whose ways are a power of two.
func rowPitch(rows int) int {
	p := ceil(rows, 8)
	if p%2 == 0 && p > 1 {
		p++
	}
	return 8 * p
}

// storageElem is the element type of token tensors and of the weights of
// products over them.
func storageElem(precision graph.DType) graph.DType {
	if precision == graph.F16 {
		return graph.F16
	}
	return graph.F32
}

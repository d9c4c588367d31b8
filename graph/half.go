package graph

import (
	"math"
	"math/bits"
)

// F16ToF32 returns the value of an IEEE 754 binary16, which is exact. NaNs keep
// the upper ten bits of their payload.
func F16ToF32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 31
	man := uint32(h) & 1023
	switch {
	case exp == 31: // Inf, NaN
		return math.Float32frombits(sign | 255<<23 | man<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+127-15)<<23 | man<<13)
	case man == 0:
		return math.Float32frombits(sign)
	}
	// Subnormal: man · 2^-24. Shift the leading one into the implicit bit.
	shift := uint32(bits.LeadingZeros32(man)) - 21
	return math.Float32frombits(sign | (127-15+1-shift)<<23 | man<<shift&1023<<13)
}

// BF16ToF32 returns the value of a bfloat16, which is exact.
func BF16ToF32(b uint16) float32 {
	return math.Float32frombits(uint32(b) << 16)
}

// ToF16 returns x rounded once, also from float64, to the nearest binary16, ties
// to even. Values from 65520 on become infinite. A NaN stays a (quiet) NaN.
func ToF16(x float64) uint16 { return round(x, 5, 10) }

// ToBF16 returns x rounded once to the nearest bfloat16, in the same way.
func ToBF16(x float64) uint16 { return round(x, 8, 7) }

// round rounds x to the nearest number with expBits of exponent and manBits of
// mantissa (1 + expBits + manBits = 16), ties to even, with subnormals.
func round(x float64, expBits, manBits uint) uint16 {
	b := math.Float64bits(x)
	sign := uint16(b>>63) << 15
	exp := int(b>>52) & 0x7ff
	man := b & (1<<52 - 1)
	bias := 1<<(expBits-1) - 1
	inf := uint16(1<<expBits-1) << manBits

	if exp == 0x7ff {
		if man == 0 {
			return sign | inf
		}
		return sign | inf | 1<<(manBits-1) | uint16(man>>(52-manBits))
	}
	// The exponent that the result would have; below 1 the result is subnormal
	// and loses one more bit for each step. A float64 subnormal is far below.
	e := exp - 1023 + bias
	drop := 52 - manBits
	if e < 1 {
		drop += uint(1 - e)
		e = 0
		if drop > 53 { // less than half of the smallest subnormal
			return sign
		}
		man |= 1 << 52
	}
	kept := man >> drop
	rest, half := man&(1<<drop-1), uint64(1)<<(drop-1)
	if rest > half || rest == half && kept&1 == 1 {
		kept++ // may carry into the exponent, which is the right next number
	}
	r := uint64(e)<<manBits + kept
	if r >= uint64(inf) {
		return sign | inf
	}
	return sign | uint16(r)
}

package engine

import (
	"encoding/binary"
	"iter"
	"math"

	"github.com/crate-vk/crate-vk/shaders"
)

// serving serves the embedded kernels, but for one.
func serving(kernel string, code []byte) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if name == kernel {
			return code, nil
		}
		return shaders.SPIRV(name)
	}
}

// corruptions yields the module with one of its constants changed, for each
// constant in turn: a float grows by 0.75, an unsigned 2, 3 or 4 shrinks by
// one, so that no index leaves its buffer.
func corruptions(code []byte) iter.Seq[[]byte] {
	const opTypeInt, opTypeFloat, opConstant = 21, 22, 43
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(code[4*i:]) }
	return func(yield func([]byte) bool) {
		floats, ints := map[uint32]bool{}, map[uint32]bool{}
		for i := 5; i < len(code)/4; i += int(word(i) >> 16) {
			val := uint32(0)
			switch word(i) & 0xffff {
			case opTypeFloat:
				floats[word(i+1)] = word(i+2) == 32
				continue
			case opTypeInt:
				ints[word(i+1)] = true
				continue
			case opConstant:
				val = word(i + 3)
			default:
				continue
			}
			switch {
			case floats[word(i+1)]:
				val = math.Float32bits(math.Float32frombits(val) + 0.75)
			case ints[word(i+1)] && val >= 2 && val <= 4:
				val--
			default:
				continue
			}
			bad := append([]byte(nil), code...)
			binary.LittleEndian.PutUint32(bad[4*(i+3):], val)
			if !yield(bad) {
				return
			}
		}
	}
}

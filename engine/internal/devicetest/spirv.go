package devicetest

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/shaders"
)

// Serving serves the embedded kernels, but for one.
func Serving(kernel string, code []byte) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if name == kernel {
			return code, nil
		}
		return shaders.SPIRV(name)
	}
}

// Ruined is a module whose multiply-adds are mixes, all of them: no variant of
// a kernel that needs one computes what it should.
func Ruined(t *testing.T, name string) []byte {
	t.Helper()
	good, err := shaders.SPIRV(name)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), good...)
	changed := 0
	for i := 20; i < len(bad); i += 4 * int(binary.LittleEndian.Uint16(bad[i+2:])) {
		if binary.LittleEndian.Uint16(bad[i:]) == opExtInst && binary.LittleEndian.Uint32(bad[i+16:]) == glslFma {
			binary.LittleEndian.PutUint32(bad[i+16:], glslFMix)
			changed++
		}
	}
	if changed == 0 {
		t.Fatalf("kernel %s has no multiply-add", name)
	}
	return bad
}

// Replaceable is the fast product of a plan that has most variants, by its full
// name, and how many; the plain kernel takes its place where it is disabled.
func Replaceable(t *testing.T, p *plan.Plan) (kernel string, variants int) {
	t.Helper()
	seen := map[string]map[string]bool{}
	for i := range p.Dispatches {
		d := &p.Dispatches[i]
		name, _, _ := strings.Cut(d.Describe(), " ")
		if strings.HasPrefix(name, "linear_") {
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			seen[name][fmt.Sprint(d.Spec)] = true
		}
	}
	for name, specs := range seen {
		if len(specs) > variants {
			kernel, variants = name, len(specs)
		}
	}
	if variants < 2 {
		t.Skipf("the plan has %d variants of %q", variants, kernel)
	}
	return kernel, variants
}

// SPIR-V instructions that a corruption looks at.
const (
	opNop, opUndef, opExtInst             = 0, 1, 12
	opTypeFloat, opTypeVector, opConstant = 22, 23, 43
	opLoad                                = 61
	opFAdd, opFSub, opFMul                = 129, 131, 133
	opBitwiseOr, opBitwiseXor             = 197, 198
	opFOrdLessThan, opFOrdGreaterThan     = 184, 186
	glslFMix, glslFma                     = 46, 50
)

// Corruptions yields the module with one of its float computations changed, for
// each in turn: a constant grows by 0.75, a product becomes a sum, a sum a
// difference, a multiply-add a mix, a comparison turns round, an or becomes an
// exclusive or, a float load gives anything. Integers that may be indices stay
// as they are: a store outside its buffer would end the process.
func Corruptions(code []byte) iter.Seq[[]byte] {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(code[4*i:]) }
	floats, scalars := map[uint32]bool{}, map[uint32]bool{}
	change := func(i int) []uint32 {
		n := int(word(i) >> 16)
		as := func(op uint32) []uint32 { return []uint32{uint32(n)<<16 | op} }
		switch word(i) & 0xffff {
		case opTypeFloat:
			floats[word(i+1)] = true
			scalars[word(i+1)] = word(i+2) == 32
		case opTypeVector:
			floats[word(i+1)] = floats[word(i+2)]
		case opConstant:
			if scalars[word(i+1)] {
				return []uint32{word(i), word(i + 1), word(i + 2), math.Float32bits(math.Float32frombits(word(i+3)) + 0.75)}
			}
		case opFMul:
			return as(opFAdd)
		case opFAdd:
			return as(opFSub)
		case opFOrdLessThan:
			return as(opFOrdGreaterThan)
		case opFOrdGreaterThan:
			return as(opFOrdLessThan)
		case opBitwiseOr:
			return as(opBitwiseXor)
		case opExtInst:
			if word(i+4) == glslFma {
				return []uint32{word(i), word(i + 1), word(i + 2), word(i + 3), glslFMix}
			}
		case opLoad:
			if floats[word(i+1)] {
				undef := []uint32{3<<16 | opUndef, word(i + 1), word(i + 2)}
				for range n - 3 {
					undef = append(undef, 1<<16|opNop)
				}
				return undef
			}
		}
		return nil
	}
	return func(yield func([]byte) bool) {
		for i := 5; i < len(code)/4; i += int(word(i) >> 16) {
			with := change(i)
			if with == nil {
				continue
			}
			bad := append([]byte(nil), code...)
			for k, w := range with {
				binary.LittleEndian.PutUint32(bad[4*(i+k):], w)
			}
			if !yield(bad) {
				return
			}
		}
	}
}

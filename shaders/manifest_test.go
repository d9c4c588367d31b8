package shaders

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is what a compiled kernel says about itself.
type module struct {
	bindings map[uint32]bindingFact // by number
	spec     map[uint32]string      // specialization id → type
	push     []string               // types of the push constants, in order of their offsets
}

type bindingFact struct {
	texel    bool
	writable bool
	readable bool
	elem     string // of a storage buffer: vec4 f32, vec4 f16, u32, f32
}

// reflect reads the module's types and decorations.
func reflect(code []byte) (module, error) {
	m := module{bindings: map[uint32]bindingFact{}, spec: map[uint32]string{}}
	if len(code) < 20 || binary.LittleEndian.Uint32(code) != 0x07230203 {
		return m, fmt.Errorf("no SPIR-V")
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(code[4*i:]) }
	types := map[uint32]string{}           // printable scalar and vector types
	parts := map[uint32][]uint32{}         // operands of structs, arrays, pointers
	kinds := map[uint32]uint32{}           // opcode of a type
	binding := map[uint32]uint32{}         // variable → slot
	specID := map[uint32]uint32{}          // constant → id
	member := map[uint32]map[uint32]bool{} // struct → decorations of its member 0
	var pushStruct uint32
	for i := 5; i < len(code)/4; {
		n, op := int(word(i)>>16), word(i)&0xffff
		switch op {
		case 71: // OpDecorate
			switch word(i + 2) {
			case 33: // Binding
				binding[word(i+1)] = word(i + 3)
			case 1: // SpecId
				specID[word(i+1)] = word(i + 3)
			}
		case 72: // OpMemberDecorate
			if word(i+2) == 0 {
				if member[word(i+1)] == nil {
					member[word(i+1)] = map[uint32]bool{}
				}
				member[word(i+1)][word(i+3)] = true
			}
		case 20: // OpTypeBool
			types[word(i+1)] = "bool"
		case 21: // OpTypeInt
			types[word(i+1)] = fmt.Sprintf("u%d", word(i+2))
		case 22: // OpTypeFloat
			types[word(i+1)] = fmt.Sprintf("f%d", word(i+2))
		case 23: // OpTypeVector
			types[word(i+1)] = fmt.Sprintf("vec%d %s", word(i+3), types[word(i+2)])
		case 25, 27, 29, 30: // image, sampled image, runtime array, struct
			kinds[word(i+1)] = op
			for k := 2; k < n; k++ {
				parts[word(i+1)] = append(parts[word(i+1)], word(i+k))
			}
		case 32: // OpTypePointer
			kinds[word(i+1)] = op
			parts[word(i+1)] = []uint32{word(i + 2), word(i + 3)}
		case 48, 49: // OpSpecConstantTrue, False
			if id, ok := specID[word(i+2)]; ok {
				m.spec[id] = "bool"
			}
		case 50: // OpSpecConstant
			if id, ok := specID[word(i+2)]; ok {
				m.spec[id] = types[word(i+1)]
			}
		case 59: // OpVariable
			pointee := parts[word(i+1)][1]
			if parts[word(i+1)][0] == 9 { // PushConstant
				pushStruct = pointee
			}
			slot, ok := binding[word(i+2)]
			if !ok {
				break
			}
			fact := bindingFact{texel: kinds[pointee] == 27}
			if !fact.texel {
				fact.elem = types[parts[parts[pointee][0]][0]]
				fact.writable = !member[pointee][24] // NonWritable
				fact.readable = !member[pointee][25] // NonReadable
			}
			m.bindings[slot] = fact
		}
		i += n
	}
	for _, t := range parts[pushStruct] {
		m.push = append(m.push, types[t])
	}
	return m, nil
}

// TestManifest holds the manifest against the SPIR-V of every variant:
// bindings with kind, access and element type, push constants, specialization
// constants.
func TestManifest(t *testing.T) {
	names := map[Kind]string{U32: "u32", F32: "f32", Bool: "bool"}
	for _, k := range Manifest() {
		for _, v := range k.Variants {
			t.Run(k.Name+v.Suffix, func(t *testing.T) {
				code, err := SPIRV(k.Name + v.Suffix)
				if err != nil {
					t.Fatal(err)
				}
				m, err := reflect(code)
				if err != nil {
					t.Fatal(err)
				}
				if len(m.bindings) != len(k.Bindings) {
					t.Errorf("%d bindings, the manifest has %d", len(m.bindings), len(k.Bindings))
				}
				for slot, b := range k.Bindings {
					if fact := fmt.Sprintf("%+v", m.bindings[uint32(slot)]); fact != fmt.Sprintf("%+v", want(b, v, m.bindings[uint32(slot)].elem)) {
						t.Errorf("slot %d %s is %s, the manifest means %+v", slot, b.Name, fact, want(b, v, ""))
					}
				}
				var push []string
				for _, c := range k.Push {
					push = append(push, names[c.Kind])
				}
				if !slices.Equal(push, m.push) {
					t.Errorf("push constants %v, the manifest has %v", m.push, push)
				}
				if len(m.spec) != len(k.Spec) {
					t.Errorf("specialization constants %v, the manifest has %d", m.spec, len(k.Spec))
				}
				for id, c := range k.Spec {
					if m.spec[uint32(id)] != names[c.Kind] {
						t.Errorf("specialization constant %d is %s, the manifest has %s %s", id, m.spec[uint32(id)], c.Name, names[c.Kind])
					}
				}
			})
		}
	}
}

// want is what a binding's row means for a variant. Scalars of 32 bits stand
// where a kernel works on single numbers or on pixels.
func want(b Binding, v Variant, elem string) bindingFact {
	if v.Has("TEXEL") && !b.Buffer {
		return bindingFact{texel: true}
	}
	f := bindingFact{writable: b.Access == Write, readable: b.Access == Read, elem: "vec4 f32"}
	if v.Has("F16") && !b.Wide {
		f.elem = "vec4 f16"
	}
	if b.Wide && (elem == "u32" || elem == "f32") {
		f.elem = elem
	}
	return f
}

// TestHeaders: each source begins with its contract, which names every
// binding, constant and the oracle.
func TestHeaders(t *testing.T) {
	for _, k := range Manifest() {
		text, err := os.ReadFile(k.Name + ".comp")
		if err != nil {
			t.Error(err)
			continue
		}
		head, _, _ := strings.Cut(string(text), "#include")
		head, _, _ = strings.Cut(head, "#extension")
		for i, b := range k.Bindings {
			dir := map[Access]string{Read: "in", Write: "out"}[b.Access]
			if !regexp.MustCompile(fmt.Sprintf(`(?m)^//   b%d %-3s +%s\b`, i, dir, b.Name)).MatchString(head) {
				t.Errorf("%s.comp: the header has no line for b%d %s %s", k.Name, i, dir, b.Name)
			}
		}
		for _, c := range append(slices.Clone(k.Push), k.Spec...) {
			name := strings.TrimRight(c.Name, "_0123456789")
			if !strings.Contains(head, name) {
				t.Errorf("%s.comp: the header does not name %s", k.Name, c.Name)
			}
		}
		for _, word := range []string{"//   grid ", "//   loops ", "//   oracle "} {
			if !strings.Contains(head, word) {
				t.Errorf("%s.comp: the header has no line %q", k.Name, strings.TrimSpace(word))
			}
		}
	}
}

// TestDeclarations compares the names of constants, which optimised SPIR-V does
// not keep, with the sources: push constants in order, specialization constants
// by id.
func TestDeclarations(t *testing.T) {
	kinds := map[string]Kind{"uint": U32, "float": F32, "bool": Bool}
	block := regexp.MustCompile(`(?s)uniform Push \{(.*?)\} p;`)
	decl := regexp.MustCompile(`(uint|float)\s+([^;]*);`)
	spec := regexp.MustCompile(`layout\(constant_id = (\d+)\) const (\w+) (\w+)`)
	for _, k := range Manifest() {
		text, err := os.ReadFile(k.Name + ".comp")
		if err != nil {
			t.Fatal(err)
		}
		var push []Const
		if b := block.FindSubmatch(text); b != nil {
			for _, d := range decl.FindAllSubmatch(b[1], -1) {
				for name := range strings.SplitSeq(string(d[2]), ",") {
					push = append(push, Const{strings.TrimSpace(name), kinds[string(d[1])]})
				}
			}
		}
		if !slices.Equal(push, k.Push) {
			t.Errorf("%s.comp declares push constants %v, the manifest has %v", k.Name, push, k.Push)
		}
		got := make([]Const, len(k.Spec))
		for _, d := range spec.FindAllSubmatch(text, -1) {
			var id int
			fmt.Sscan(string(d[1]), &id)
			if id < len(got) {
				got[id] = Const{string(d[3]), kinds[string(d[2])]}
			}
		}
		if !slices.Equal(got, k.Spec) {
			t.Errorf("%s.comp declares specialization constants %v, the manifest has %v", k.Name, got, k.Spec)
		}
	}
}

// TestNoStrays: every source belongs to a kernel.
func TestNoStrays(t *testing.T) {
	files, err := filepath.Glob("*.comp")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f, ".comp")
		if !slices.ContainsFunc(Manifest(), func(k Kernel) bool { return k.Name == name }) {
			t.Errorf("%s is in no row of the manifest", f)
		}
	}
}

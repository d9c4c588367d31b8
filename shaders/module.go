package shaders

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// module is what a compiled kernel says about itself.
type module struct {
	bindings map[uint32]slot   // by number
	spec     map[uint32]string // specialization id → type
	push     []string          // types of the push constants, in order of their offsets
}

// slot is one binding of a module.
type slot struct {
	texel    bool
	writable bool
	readable bool
	elem     string // of a storage buffer: vec4 f32, vec4 f16, u32, f32
}

func (s slot) String() string {
	switch {
	case s.texel:
		return "a texel buffer"
	case s.writable && s.readable:
		return "a read and written buffer of " + s.elem
	case s.writable:
		return "a written buffer of " + s.elem
	}
	return "a read buffer of " + s.elem
}

// CheckModule reports how code, a SPIR-V module, differs from what the manifest
// says of the kernel variant: bindings with kind, access and element type, push
// constants and specialization constants. A module that passes can stand in for
// the embedded one without reaching memory that isn't bound.
func CheckModule(name string, code []byte) error {
	v, err := Lookup(name)
	if err != nil {
		return err
	}
	k := v.Kernel
	m, err := reflect(code)
	if err != nil {
		return fmt.Errorf("kernel %s: %w", name, err)
	}
	if len(m.bindings) != len(k.Bindings) {
		return fmt.Errorf("kernel %s: the module has %d bindings, want %d", name, len(m.bindings), len(k.Bindings))
	}
	for i, b := range k.Bindings {
		got, want := m.bindings[uint32(i)], b.slot(v, m.bindings[uint32(i)].elem)
		if got != want {
			return fmt.Errorf("kernel %s: binding %d of the module is %v, want %s, %v", name, i, got, b.Name, want)
		}
	}
	if push := kinds(k.Push); !slices.Equal(push, m.push) {
		return fmt.Errorf("kernel %s: the module's push constants are %v, want %v", name, m.push, push)
	}
	if len(m.spec) != len(k.Spec) {
		return fmt.Errorf("kernel %s: the module has %d specialization constants, want %d", name, len(m.spec), len(k.Spec))
	}
	for id, kind := range kinds(k.Spec) {
		if m.spec[uint32(id)] != kind {
			return fmt.Errorf("kernel %s: specialization constant %d of the module is %q, want %s %s", name, id, m.spec[uint32(id)], k.Spec[id].Name, kind)
		}
	}
	return nil
}

func kinds(consts []Const) []string {
	var names []string
	for _, c := range consts {
		names = append(names, [...]string{U32: "u32", F32: "f32", Bool: "bool"}[c.Kind])
	}
	return names
}

// slot is what a binding's row means for a variant. Scalars of 32 bits stand
// where a kernel works on single numbers or on pixels.
func (b Binding) slot(v *Variant, elem string) slot {
	if v.Has("TEXEL") && !b.Buffer {
		return slot{texel: true}
	}
	s := slot{writable: b.Access == Write, readable: b.Access == Read, elem: "vec4 f32"}
	if v.Has("F16") && !b.Wide {
		s.elem = "vec4 f16"
	}
	if b.Wide && (elem == "u32" || elem == "f32") {
		s.elem = elem
	}
	return s
}

// SPIR-V's numbers, from section 3 of its specification.
const (
	magic = 0x07230203

	opTypeBool, opTypeInt, opTypeFloat, opTypeVector                  = 20, 21, 22, 23
	opTypeImage, opTypeSampledImage, opTypeRuntimeArray, opTypeStruct = 25, 27, 29, 30
	opTypePointer, opSpecTrue, opSpecFalse, opSpecConstant            = 32, 48, 49, 50
	opVariable, opDecorate, opMemberDecorate                          = 59, 71, 72

	decorationSpecID, decorationNonWritable, decorationNonReadable, decorationBinding = 1, 24, 25, 33
	storagePushConstant                                                               = 9
)

var errSPIRV = errors.New("no SPIR-V")

// reflect reads a module's types and decorations.
func reflect(code []byte) (module, error) {
	if len(code) < 20 || len(code)%4 != 0 || binary.LittleEndian.Uint32(code) != magic {
		return module{}, errSPIRV
	}
	r := reader{
		m:     module{bindings: map[uint32]slot{}, spec: map[uint32]string{}},
		types: map[uint32]string{}, kinds: map[uint32]uint32{}, parts: map[uint32][]uint32{},
		binding: map[uint32]uint32{}, specID: map[uint32]uint32{}, member: map[uint32]map[uint32]bool{},
	}
	for at := 20; at < len(code); {
		head := binary.LittleEndian.Uint32(code[at:])
		n := 4 * int(head>>16)
		if n == 0 || n > len(code)-at {
			return module{}, fmt.Errorf("%w: the instruction at byte %d has no end", errSPIRV, at)
		}
		in := instruction{op: head & 0xffff}
		for k := 4; k < n; k += 4 {
			in.args = append(in.args, binary.LittleEndian.Uint32(code[at+k:]))
		}
		r.read(in)
		at += n
	}
	for _, t := range r.parts[r.push] {
		r.m.push = append(r.m.push, r.types[t])
	}
	return r.m, nil
}

type instruction struct {
	op   uint32
	args []uint32
}

// arg is an operand, 0 where the instruction has fewer.
func (in instruction) arg(i int) uint32 {
	if i < len(in.args) {
		return in.args[i]
	}
	return 0
}

// reader gathers what the instructions so far say.
type reader struct {
	m       module
	types   map[uint32]string          // printable scalar and vector types
	kinds   map[uint32]uint32          // opcode of another type
	parts   map[uint32][]uint32        // its operands
	binding map[uint32]uint32          // variable → number
	specID  map[uint32]uint32          // constant → id
	member  map[uint32]map[uint32]bool // struct → decorations of its member 0
	push    uint32                     // struct of the push constants
}

func (r *reader) read(in instruction) {
	a, b := in.arg(0), in.arg(1)
	switch in.op {
	case opDecorate:
		switch b {
		case decorationBinding:
			r.binding[a] = in.arg(2)
		case decorationSpecID:
			r.specID[a] = in.arg(2)
		}
	case opMemberDecorate:
		if b == 0 {
			if r.member[a] == nil {
				r.member[a] = map[uint32]bool{}
			}
			r.member[a][in.arg(2)] = true
		}
	case opTypeBool:
		r.types[a] = "bool"
	case opTypeInt:
		r.types[a] = fmt.Sprintf("u%d", b)
	case opTypeFloat:
		r.types[a] = fmt.Sprintf("f%d", b)
	case opTypeVector:
		r.types[a] = fmt.Sprintf("vec%d %s", in.arg(2), r.types[b])
	case opTypeImage, opTypeSampledImage, opTypeRuntimeArray, opTypeStruct, opTypePointer:
		r.kinds[a] = in.op
		if len(in.args) > 0 {
			r.parts[a] = in.args[1:]
		}
	case opSpecTrue, opSpecFalse:
		if id, ok := r.specID[b]; ok {
			r.m.spec[id] = "bool"
		}
	case opSpecConstant:
		if id, ok := r.specID[b]; ok {
			r.m.spec[id] = r.types[a]
		}
	case opVariable:
		r.variable(a, b)
	}
}

// variable notes a binding or the push constants.
func (r *reader) variable(pointer, id uint32) {
	to := r.parts[pointer]
	if len(to) < 2 {
		return
	}
	storage, pointee := to[0], to[1]
	if storage == storagePushConstant {
		r.push = pointee
	}
	number, ok := r.binding[id]
	if !ok {
		return
	}
	s := slot{texel: r.kinds[pointee] == opTypeSampledImage}
	if !s.texel {
		if members := r.parts[pointee]; len(members) > 0 && len(r.parts[members[0]]) > 0 {
			s.elem = r.types[r.parts[members[0]][0]]
		}
		s.writable = !r.member[pointee][decorationNonWritable]
		s.readable = !r.member[pointee][decorationNonReadable]
	}
	r.m.bindings[number] = s
}

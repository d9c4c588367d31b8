package shaders

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
)

//go:embed spv/*.spv
var compiled embed.FS

// Access says whether a kernel reads or writes a binding.
type Access uint8

// The accesses. No binding is both read and written.
const (
	Read Access = iota + 1
	Write
)

// Binding is one slot of a kernel's descriptor set; its number is its index.
type Binding struct {
	Name   string
	Access Access
	// Wide inputs and outputs are float32 quads in every variant.
	Wide bool
	// Buffer says that the slot is a storage buffer even where other inputs
	// are texel buffers.
	Buffer bool
}

// Kind is the type of a constant.
type Kind uint8

// The kinds of constants.
const (
	U32 Kind = iota + 1
	F32
	Bool
)

// Const is one push or specialization constant. Specialization ids are
// indices; push constants lie one behind another, four bytes each.
type Const struct {
	Name string
	Kind Kind
}

// Variant is one compilation of a kernel's source.
type Variant struct {
	Suffix  string   // ".texel.f16", "" for the base form
	Defines []string // preprocessor names
}

// Has reports whether the variant defines name.
func (v Variant) Has(name string) bool { return slices.Contains(v.Defines, name) }

// Values gives the constants of one dispatch by name, as integers; booleans
// are 0 and 1.
type Values func(name string) int

// Kernel is one row of the manifest.
type Kernel struct {
	Name     string
	Variants []Variant
	Bindings []Binding
	Push     []Const
	Spec     []Const
	// Local is the workgroup size in terms of specialization constants.
	Local func(spec Values) [3]int
	// Loops bounds the iterations of one invocation, over all loops that are
	// not unrolled; some devices end an invocation after 65,535.
	Loops func(c Values, v Variant) int
	// Shared is the shared memory of a workgroup in bytes; nil: none.
	Shared func(spec Values, v Variant) int
	// Subgroups says that the kernel needs subgroup operations, and that its
	// LANES constant is the subgroup size.
	Subgroups bool
}

// Lookup finds a kernel and variant by their joint name, as in
// "linear_lanes.texel".
func Lookup(name string) (*Kernel, Variant, error) {
	base, _, _ := strings.Cut(name, ".")
	for _, k := range Manifest() {
		if k.Name != base {
			continue
		}
		for _, v := range k.Variants {
			if k.Name+v.Suffix == name {
				return &k, v, nil
			}
		}
	}
	return nil, Variant{}, fmt.Errorf("no kernel %q", name)
}

// SPIRV is the compiled code of a kernel variant.
func SPIRV(name string) ([]byte, error) {
	code, err := compiled.ReadFile("spv/" + name + ".spv")
	if err != nil {
		return nil, fmt.Errorf("no SPIR-V for kernel %q", name)
	}
	return code, nil
}

func in(name string) Binding     { return Binding{Name: name, Access: Read} }
func in32(name string) Binding   { return Binding{Name: name, Access: Read, Wide: true} }
func out(name string) Binding    { return Binding{Name: name, Access: Write, Buffer: true} }
func out32(name string) Binding  { return Binding{Name: name, Access: Write, Wide: true, Buffer: true} }
func pixels(name string) Binding { return Binding{Name: name, Access: Read, Wide: true, Buffer: true} }
func variants(names ...string) []Variant {
	var vs []Variant
	for _, n := range names {
		v := Variant{Suffix: n}
		for d := range strings.SplitSeq(strings.TrimPrefix(n, "."), ".") {
			switch d {
			case "texel":
				v.Defines = append(v.Defines, "TEXEL")
			case "f16":
				v.Defines = append(v.Defines, "F16")
			case "group":
				v.Defines = append(v.Defines, "ROW_BARRIERS")
			}
		}
		vs = append(vs, v)
	}
	return vs
}

// consts parses "rows quads:f32 NORM:bool"; the default kind is u32.
func consts(s string) []Const {
	var cs []Const
	for f := range strings.FieldsSeq(s) {
		name, kind, _ := strings.Cut(f, ":")
		cs = append(cs, Const{name, map[string]Kind{"": U32, "f32": F32, "bool": Bool}[kind]})
	}
	return cs
}

func along(name string) func(Values) [3]int {
	return func(c Values) [3]int { return [3]int{c(name), 1, 1} }
}

func noLoops(Values, Variant) int { return 0 }

// rowLoops bounds a kernel that sweeps a row of quads some times.
func rowLoops(sweeps int) func(Values, Variant) int {
	return func(c Values, v Variant) int {
		if v.Has("ROW_BARRIERS") {
			return sweeps*ceil(c("quads"), c("ROW_LANES")) + sweeps*(bits(c("ROW_LANES"))+1)
		}
		return sweeps * c("quads")
	}
}

func rowShared(c Values, v Variant) int {
	if v.Has("ROW_BARRIERS") {
		return 4 * c("ROW_LANES")
	}
	return 0
}

func ceil(n, d int) int { return (n + d - 1) / max(d, 1) }

func bits(n int) int { return int(math.Ceil(math.Log2(float64(max(n, 1))))) }

package shaders

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
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

// Variant is one compilation of a kernel's source: what a dispatch executes.
type Variant struct {
	Kernel  *Kernel  // the row that it belongs to
	Name    string   // the kernel's name and the suffix: linear_lanes.texel
	Suffix  string   // ".texel.f16", "" for the base form
	Defines []string // preprocessor names
}

// Has reports whether the variant defines name.
func (v *Variant) Has(name string) bool { return slices.Contains(v.Defines, name) }

// Values gives the constants of one dispatch by name, as integers; booleans
// are 0 and 1.
type Values func(name string) int

// Kernel is one row of the manifest.
type Kernel struct {
	Name     string
	Variants []*Variant
	Bindings []Binding
	Push     []Const
	Spec     []Const
	// Local is the workgroup size in terms of specialization constants.
	Local func(spec Values) [3]int
	// Loops bounds the iterations of one invocation, over all loops that are
	// not unrolled; some devices end an invocation after 65,535.
	Loops func(c Values, v *Variant) int
	// Shared is the shared memory of a workgroup in bytes; nil: none.
	Shared func(spec Values, v *Variant) int
	// Subgroups says that the kernel needs subgroup operations, and that its
	// LANES constant is the subgroup size.
	Subgroups bool
	// Matrices says that the kernel multiplies cooperative matrices, which only some
	// devices have, and only newer compilers know: see shaders/build.
	Matrices bool

	constants map[string]constantAt
}

// Bound gives the constants of a dispatch by name, from the values of its
// specialization and push constants; 0 where the kernel has none of that name.
func (k *Kernel) Bound(spec, push []uint32) Values {
	return func(name string) int {
		switch at, inPush, ok := k.Constant(name); {
		case !ok:
			return 0
		case inPush:
			return int(push[at])
		default:
			return int(spec[at])
		}
	}
}

// Constant finds a constant: its index among the push constants, or among the
// specialization constants.
func (k *Kernel) Constant(name string) (at int, push, ok bool) {
	c, ok := k.constants[name]
	return c.at, c.push, ok
}

// Slot is the number of a binding, −1 where there is none of that name.
func (k *Kernel) Slot(name string) int {
	return slices.IndexFunc(k.Bindings, func(b Binding) bool { return b.Name == name })
}

// constantAt is where a constant stands.
type constantAt struct {
	at   int
	push bool
}

// registry is the manifest with its indices. It is made once and never changes.
type registry struct {
	kernels  []*Kernel
	variants map[string]*Variant
}

var manifest = sync.OnceValue(func() registry {
	r := registry{kernels: kernels(), variants: map[string]*Variant{}}
	for _, k := range r.kernels {
		k.constants = map[string]constantAt{}
		for i, c := range k.Spec {
			k.constants[c.Name] = constantAt{i, false}
		}
		for i, c := range k.Push {
			k.constants[c.Name] = constantAt{i, true}
		}
		for _, v := range k.Variants {
			v.Kernel, v.Name = k, k.Name+v.Suffix
			r.variants[v.Name] = v
		}
	}
	return r
})

// Manifest lists every kernel. Callers don't change it.
func Manifest() []*Kernel { return manifest().kernels }

// Lookup finds a kernel variant by its name, as in "linear_lanes.texel".
func Lookup(name string) (*Variant, error) {
	v := manifest().variants[name]
	if v == nil {
		return nil, fmt.Errorf("no kernel %q", name)
	}
	return v, nil
}

// SPIRV is the compiled code of a kernel variant.
func SPIRV(name string) ([]byte, error) {
	code, err := compiled.ReadFile("spv/" + name + ".spv")
	if err != nil {
		code, err = viewSPIRV(name)
	}
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

// variants makes the variants of a kernel from their suffixes.
func variants(names ...string) []*Variant {
	var vs []*Variant
	for _, n := range names {
		v := &Variant{Suffix: n}
		for d := range strings.SplitSeq(strings.TrimPrefix(n, "."), ".") {
			switch d {
			case "texel":
				v.Defines = append(v.Defines, "TEXEL")
			case "f16":
				v.Defines = append(v.Defines, "F16")
			case "group":
				v.Defines = append(v.Defines, "ROW_BARRIERS")
			case "half":
				v.Defines = append(v.Defines, "HALF_SUMS")
			case "int8":
				v.Defines = append(v.Defines, "INT8")
			case "":
			default:
				panic("shaders: unknown suffix ." + d) // our own table
			}
		}
		vs = append(vs, v)
	}
	return vs
}

// rowVariants are those of kernels that sum rows.
func rowVariants() []*Variant { return variants("", ".f16", ".group", ".group.f16") }

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

func noLoops(Values, *Variant) int { return 0 }

// rowLoops bounds a kernel that sweeps a row of quads some times.
func rowLoops(sweeps int) func(Values, *Variant) int {
	return func(c Values, v *Variant) int {
		if v.Has("ROW_BARRIERS") {
			return sweeps*ceil(c("quads"), c("ROW_LANES")) + sweeps*(bits(c("ROW_LANES"))+1)
		}
		return sweeps * c("quads")
	}
}

func rowShared(c Values, v *Variant) int {
	if v.Has("ROW_BARRIERS") {
		return 4 * c("ROW_LANES")
	}
	return 0
}

func ceil(n, d int) int { return (n + d - 1) / max(d, 1) }

func bits(n int) int { return int(math.Ceil(math.Log2(float64(max(n, 1))))) }

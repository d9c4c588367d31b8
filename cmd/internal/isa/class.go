package isa

import (
	"strconv"
	"strings"
)

// class says which unit executes an instruction.
type class int

const (
	other class = iota
	vector
	shared       // LDS
	vectorMemory // loads and stores through the vector caches
	scalarMemory
	scalar
	branching
	barrier
	waiting // takes an issue slot of the subgroup, but no unit
)

func (i Instruction) class() class {
	op := i.Op
	prefix, _, _ := strings.Cut(op, "_")
	switch prefix {
	case "v":
		return vector
	case "ds":
		return shared
	case "buffer", "global", "flat", "scratch", "tbuffer", "image":
		if strings.Contains(op, "_inv") || strings.Contains(op, "_wb") {
			return other // cache control
		}
		return vectorMemory
	case "s":
		switch {
		case op == "s_barrier":
			return barrier
		case i.branch() != "":
			return branching
		case strings.HasPrefix(op, "s_load"), strings.HasPrefix(op, "s_buffer_load"):
			return scalarMemory
		case strings.HasPrefix(op, "s_wait"), op == "s_nop", op == "s_clause", op == "s_delay_alu", op == "s_inst_prefetch", op == "s_set_inst_prefetch_distance":
			return waiting
		}
		return scalar
	}
	return other
}

// flops counts the floating-point operations of a multiply-add of one lane; 0
// for every other instruction.
func (i Instruction) flops() int {
	if strings.HasPrefix(i.Op, "v_dual_") {
		n := flopsOf(strings.Replace(i.Op, "v_dual_", "v_", 1))
		if _, second, ok := strings.Cut(i.Args, ":: v_dual_"); ok {
			op, _, _ := strings.Cut(second, " ")
			n += flopsOf("v_" + op)
		}
		return n
	}
	return flopsOf(i.Op)
}

func flopsOf(op string) int {
	op = strings.TrimSuffix(strings.TrimSuffix(op, "_e32"), "_e64")
	switch op {
	case "v_fma_f32", "v_fmac_f32", "v_mad_f32", "v_mac_f32", "v_fmaak_f32", "v_fmamk_f32", "v_madak_f32", "v_madmk_f32",
		"v_fma_mix_f32", "v_mad_mix_f32", "v_fma_f16", "v_fmac_f16":
		return 2
	case "v_pk_fma_f16", "v_pk_fmac_f16", "v_dot2_f32_f16", "v_dot2c_f32_f16":
		return 4
	}
	return 0
}

// quarterRate reports a transcendental, which takes four times as long.
func (i Instruction) quarterRate() bool {
	name, ok := strings.CutPrefix(i.Op, "v_")
	fn, rest, _ := strings.Cut(name, "_")
	if !ok || !strings.HasPrefix(rest, "f32") && !strings.HasPrefix(rest, "f16") {
		return false
	}
	switch fn {
	case "exp", "log", "rcp", "rsq", "sqrt", "sin", "cos":
		return true
	}
	return false
}

// bytes is what a lane moves with a memory instruction.
func (i Instruction) bytes() int {
	op := i.Op
	n := 1
	if i.class() == shared {
		if strings.Contains(op, "permute") || strings.Contains(op, "swizzle") {
			return 4
		}
		if strings.Contains(op, "read2") || strings.Contains(op, "write2") || strings.Contains(op, "_2addr") {
			n = 2
		}
	}
	if _, width, ok := strings.Cut(op, "dwordx"); ok {
		if x, err := strconv.Atoi(width[:1]); err == nil {
			return 4 * x * n
		}
	}
	for _, w := range []struct {
		part  string
		bytes int
	}{{"_b128", 16}, {"_b96", 12}, {"_b64", 8}, {"_b32", 4}, {"_b16", 2}, {"_u16", 2}, {"_i16", 2}, {"short", 2}, {"_b8", 1}, {"_u8", 1}, {"_i8", 1}, {"byte", 1},
		{"_format_xyzw", 16}, {"_format_xyz", 12}, {"_format_xy", 8}} {
		if strings.Contains(op, w.part) {
			return w.bytes * n
		}
	}
	return 4 * n
}

func (i Instruction) writes() bool {
	return strings.Contains(i.Op, "store") || strings.Contains(i.Op, "write")
}

package isa

import (
	"strconv"
	"strings"
)

// RADV is RADV's listing: labels "BB1:", encodings behind semicolons.
func RADV() Reader {
	return func(line string) (string, []Instruction) {
		if label, ok := strings.CutSuffix(line, ":"); ok && strings.HasPrefix(line, "BB") {
			return label, nil
		}
		text, _, _ := strings.Cut(line, ";")
		op, args, _ := strings.Cut(strings.TrimSpace(text), " ")
		if op == "" || op[0] < 'a' || op[0] > 'z' || !strings.Contains(op, "_") {
			return "", nil // blank, or what the disassembler doesn't know
		}
		return "", []Instruction{amdInstruction(op, strings.TrimSpace(args))}
	}
}

func amdInstruction(op, args string) Instruction {
	in := Instruction{Op: op, Args: args, Unit: amdUnit(op)}
	switch {
	case in.Unit == MultiplyAdd || strings.HasPrefix(op, "v_dual_"):
		in.pair()
	case in.Unit == Control && !strings.Contains(op, "branch"):
		in.To = nowhere
	case in.Unit == Control:
		in.To, in.Conditional = args, op != "s_branch"
	case in.Unit == Shared || in.Unit == Load:
		in.Bytes = amdBytes(op, in.Unit == Shared)
	}
	return in
}

// pair sums up both halves of a dual instruction, or the one of another.
func (in *Instruction) pair() {
	first, second := amdName(in.Op), ""
	if _, rest, ok := strings.Cut(in.Args, ":: v_dual_"); ok {
		name, _, _ := strings.Cut(rest, " ")
		second = amdName("v_" + name)
	}
	if in.Flops = amdFlops[first] + amdFlops[second]; in.Flops > 0 {
		in.Unit = MultiplyAdd
	}
}

// amdName leaves out what the encoding adds to an operation's name.
func amdName(op string) string {
	op = strings.TrimSuffix(strings.TrimSuffix(op, "_e32"), "_e64")
	return strings.Replace(op, "v_dual_", "v_", 1)
}

// amdFlops are the operations of one lane's multiply-add.
var amdFlops = map[string]int{
	"v_fma_f32": 2, "v_fmac_f32": 2, "v_mad_f32": 2, "v_mac_f32": 2, "v_fmaak_f32": 2, "v_fmamk_f32": 2, "v_madak_f32": 2, "v_madmk_f32": 2,
	"v_fma_mix_f32": 2, "v_mad_mix_f32": 2, "v_fma_f16": 2, "v_fmac_f16": 2,
	"v_pk_fma_f16": 4, "v_pk_fmac_f16": 4, "v_dot2_f32_f16": 4, "v_dot2c_f32_f16": 4, "v_dot2acc_f32_f16": 4,
}

func amdUnit(op string) Unit {
	prefix, _, _ := strings.Cut(op, "_")
	switch prefix {
	case "v":
		return amdVector(amdName(op))
	case "ds":
		return Shared
	case "buffer", "global", "flat", "tbuffer", "image":
		switch {
		case strings.Contains(op, "_inv"), strings.Contains(op, "_wb"):
			return Other // cache control
		case strings.Contains(op, "store"):
			return Store
		}
		return Load
	case "s":
		return amdScalar(op)
	}
	return Other // scratch, too: spilled registers are no access of the kernel's
}

func amdVector(name string) Unit {
	if amdFlops[name] > 0 {
		return MultiplyAdd
	}
	fn, kind, _ := strings.Cut(strings.TrimPrefix(name, "v_"), "_")
	floats := strings.HasPrefix(kind, "f32") || strings.HasPrefix(kind, "f16")
	switch fn {
	case "exp", "log", "rcp", "rsq", "sqrt", "sin", "cos":
		if floats {
			return Special
		}
	case "add", "sub", "subrev", "mul":
		if floats {
			return Float
		}
	case "mov", "cvt", "readlane", "writelane", "readfirstlane", "swap", "accvgpr":
		return Move
	}
	return Integer
}

func amdScalar(op string) Unit {
	switch {
	case op == "s_branch", strings.HasPrefix(op, "s_cbranch"), op == "s_endpgm", op == "s_setpc_b64":
		return Control
	case strings.HasPrefix(op, "s_load"), strings.HasPrefix(op, "s_buffer_load"):
		return ScalarLoad
	case strings.HasPrefix(op, "s_wait"), strings.HasPrefix(op, "s_barrier"), op == "s_nop", op == "s_clause", op == "s_delay_alu",
		op == "s_inst_prefetch", op == "s_set_inst_prefetch_distance":
		return Wait
	}
	return Scalar
}

// amdBytes is what a lane moves with a memory instruction.
func amdBytes(op string, shared bool) int {
	n := 1
	if shared {
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

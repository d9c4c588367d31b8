package isa

import (
	"strconv"
	"strings"
)

// Turnip is Turnip's listing: labels "l241:", instructions "(sy)(rpt3)mad.f32 r1.x, …". (rpt3)
// repeats an instruction three times, for registers that follow; (nop2) waits two clocks.
func Turnip() Reader {
	return func(line string) (string, []Instruction) {
		text := strings.TrimSpace(line)
		if label, ok := strings.CutSuffix(text, ":"); ok && strings.HasPrefix(text, "l") {
			return label, nil
		}
		repeat, waits := 0, 0
		for strings.HasPrefix(text, "(") {
			var flag string
			flag, text, _ = strings.Cut(text[1:], ")")
			text = strings.TrimSpace(text)
			if n, err := strconv.Atoi(strings.TrimPrefix(flag, "rpt")); err == nil {
				repeat = n
			}
			if n, err := strconv.Atoi(strings.TrimPrefix(flag, "nop")); err == nil {
				waits = n
			}
		}
		op, args, _ := strings.Cut(text, " ")
		if op == "" || op[0] < 'a' || op[0] > 'z' || strings.HasSuffix(text, ":") || op == "code" {
			return "", nil
		}
		code := make([]Instruction, 0, waits+1+repeat)
		for range waits {
			code = append(code, Instruction{Op: "nop", Unit: Wait})
		}
		for range 1 + repeat {
			code = append(code, adrenoInstruction(op, args))
		}
		return "", code
	}
}

func adrenoInstruction(op, args string) Instruction {
	in := Instruction{Op: op, Args: args, Unit: adrenoUnit(op)}
	switch in.Unit {
	case MultiplyAdd:
		in.Flops = 2
	case Shared:
		in.Bytes = adrenoBytes(op, args)
	case Load:
		in.Bytes = adrenoBytes(op, args)
	case Control:
		if at := strings.LastIndex(args, "#"); at >= 0 {
			in.To = args[at+1:]
		}
		if op == "end" {
			in.To = nowhere
		}
		in.Conditional = op != "jump" && op != "prede" && op != "end"
	}
	return in
}

func adrenoUnit(op string) Unit {
	name, kind, _ := strings.Cut(op, ".")
	floats := strings.HasPrefix(kind, "f")
	switch name {
	case "mad":
		if floats {
			return MultiplyAdd
		}
	case "add", "mul":
		if floats {
			return Float
		}
	case "mov", "cov", "swz", "gat", "sct":
		return Move
	case "rcp", "rsq", "sqrt", "log2", "exp2", "sin", "cos", "hrsq", "hlog2", "hexp2":
		return Special
	case "ldl", "stl", "ldlw", "stlw", "ldlv":
		return Shared
	case "isam", "sam", "ldib", "ldg", "ldgb", "resinfo":
		return Load
	case "stib", "stg", "stgb":
		return Store
	case "ldc", "stc", "stsc", "ldp", "stp":
		return ScalarLoad
	case "br", "bra", "brao", "braa", "brac", "jump", "call", "ret", "getone", "shps", "shpe", "predt", "predf", "prede", "kill", "end":
		return Control
	case "nop", "bar", "fence", "sleep":
		return Wait
	}
	return Integer
}

// adrenoBytes is what a lane moves: "ldl.u32 r1.x, l[r2.x], 4" four numbers of 32 bits,
// "isam (u16)(xyz)r1.x" three of 16.
func adrenoBytes(op, args string) int {
	size, n := 4, 1
	if strings.Contains(op, "16") || strings.Contains(args, "16)") {
		size = 2
	}
	if _, components, ok := strings.Cut(args, ")("); ok {
		components, _, _ = strings.Cut(components, ")")
		n = len(components)
	} else if x, err := strconv.Atoi(args[strings.LastIndex(args, " ")+1:]); err == nil {
		n = x
	}
	return size * n
}

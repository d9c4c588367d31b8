package isa

import (
	"fmt"
	"strconv"
	"strings"
)

// Honeykrisp is the disassembly that the driver of that name prints: "  3f0: 6800   barrier", the address of each
// instruction first. A kernel's preamble, which runs once, is a second program behind it.
func Honeykrisp() Reader {
	programs := 0
	return func(line string) (string, []Instruction) {
		address, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
		at, err := strconv.ParseInt(address, 16, 64)
		words := strings.Fields(text)
		if !ok || err != nil || len(words) < 2 {
			return "", nil
		}
		if _, err := strconv.ParseUint(words[0][:min(4, len(words[0]))], 16, 16); err != nil {
			return "", nil
		}
		if at == 0 {
			programs++
		}
		if programs != 1 {
			return "", nil
		}
		in := Instruction{Op: words[1], Args: strings.Join(words[2:], " "), Unit: appleUnit(words[1])}
		in.finish(at)
		return appleLabel(at), []Instruction{in}
	}
}

func appleLabel(address int64) string { return fmt.Sprintf("%x", address) }

// finish reads a jump's distance, which counts from its own address, and an access's width.
func (in *Instruction) finish(at int64) {
	switch in.Unit {
	case MultiplyAdd:
		in.Flops = 2
	case Shared, Load:
		in.Bytes = appleBytes(in.Args)
	case Control:
		if distance, err := strconv.ParseInt(in.Args, 10, 64); err == nil && strings.HasPrefix(in.Op, "jmp") {
			in.To = appleLabel(at + distance)
		}
		if in.Op == "stop" {
			in.To = nowhere
		}
		in.Conditional = in.Op != "pop_exec" && in.Op != "stop"
	}
}

func appleUnit(op string) Unit {
	switch op {
	case "ffma", "hfma":
		return MultiplyAdd
	case "fadd", "fmul", "hadd", "hmul":
		return Float
	case "mov", "ldimm", "u_to_f", "s_to_f", "f_to_u", "f_to_s":
		return Move
	case "rcp", "rsqrt", "exp2", "log2", "sin_pt_1", "sin_pt_2":
		return Special
	case "lload", "lstore", "shuffle":
		return Shared
	case "load":
		return Load
	case "store":
		return Store
	case "if", "else", "while", "break", "pop_exec", "jmp_any", "jmp_none", "stop":
		return Control
	case "wait", "barrier":
		return Wait
	}
	if strings.Contains(op, "_to_") {
		return Move
	}
	return Integer
}

// appleBytes is what a lane moves: "i32, xyzw" are four numbers of 32 bits.
func appleBytes(args string) int {
	size, n := 4, 1
	for word := range strings.SplitSeq(args, ", ") {
		switch word {
		case "i16", "f16", "u16":
			size = 2
		case "i8":
			size = 1
		case "x", "xy", "xyz", "xyzw":
			n = len(word)
		}
	}
	return size * n
}

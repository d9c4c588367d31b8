package isa

import (
	"strconv"
	"strings"
)

// NVK is NVK's listing: blocks "block.u 4 L8 [3] -> {", instructions
// "r1 p0 = iadd3 r2 r3 // delay=4", a predicate "@!p0" before them.
func NVK() Reader {
	return func(line string) (string, []Instruction) {
		if strings.HasPrefix(line, "block") {
			label := ""
			if words := strings.Fields(line); len(words) > 2 {
				label = words[2]
			}
			return label, nil
		}
		text, _, ok := strings.Cut(line, "//")
		if !ok {
			return "", nil
		}
		predicate, text := nvPredicate(strings.TrimSpace(text))
		results, text, ok := strings.Cut(text, "= ")
		if !ok {
			results, text = "", results
		}
		op, args, _ := strings.Cut(text, " ")
		return "", []Instruction{nvInstruction(predicate, results, op, strings.TrimSpace(args))}
	}
}

func nvPredicate(text string) (predicate, rest string) {
	if strings.HasPrefix(text, "@") {
		predicate, text, _ = strings.Cut(text, " ")
	}
	return predicate, strings.TrimSpace(text)
}

func nvInstruction(predicate, results, op, args string) Instruction {
	in := Instruction{Op: op, Args: args, Unit: nvUnit(results, op)}
	switch in.Unit {
	case MultiplyAdd:
		if in.Flops = 2; strings.HasPrefix(op, "hfma2") {
			in.Flops = 4
		}
	case Shared, Load:
		in.Bytes = nvBytes(op)
	case Control:
		switch words := strings.Fields(args); {
		case op == "bra" && len(words) == 2:
			in.To, in.Conditional = words[1], predicate != "" || words[0] != "pT"
		case op == "exit":
			in.To, in.Conditional = nowhere, predicate != ""
		}
	}
	return in
}

// nvUnit tells the unit. What has a result in uniform registers is of the uniform unit.
func nvUnit(results, op string) Unit {
	name, rest, _ := strings.Cut(op, ".")
	switch name {
	case "ffma", "hfma2":
		return MultiplyAdd
	case "fadd", "fmul", "hadd2", "hmul2":
		return Float
	case "mufu":
		return Special
	case "mov", "f2f", "f2fp", "i2f", "f2i", "prmt", "s2r", "r2ur":
		if name == "r2ur" || !uniform(results) {
			return Move
		}
	case "ldc", "ldcu", "uldc":
		return ScalarLoad
	case "bra", "exit", "brk", "ret", "bssy", "bsync", "bclear", "cont", "jmp", "kill", "warpsync":
		return Control
	case "bar", "membar", "nop", "depbar", "errbar", "ccctl":
		return Wait
	case "shfl":
		return Shared
	case "ld", "st":
		switch {
		case strings.HasPrefix(rest, "shared"):
			return Shared
		case name == "st":
			return Store
		}
		return Load
	case "tex", "tld", "tld4", "suld":
		return Load
	case "sust":
		return Store
	}
	if uniform(results) {
		return Scalar
	}
	return Integer
}

func uniform(results string) bool {
	return strings.HasPrefix(results, "ur") || strings.HasPrefix(results, "up")
}

// nvBytes is what a lane moves: the width behind the last ".b".
func nvBytes(op string) int {
	at := strings.LastIndex(op, ".b")
	if at < 0 {
		return 4
	}
	bits, err := strconv.Atoi(op[at+2:])
	if err != nil {
		return 4
	}
	return bits / 8
}

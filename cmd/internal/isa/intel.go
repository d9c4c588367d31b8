package isa

import (
	"strconv"
	"strings"
)

// ANV is ANV's listing: labels "LABEL3:", instructions "mad(16) g1<1>F …", a predicate
// "(+f0.0)" before them. An access to memory has a second line, which says what it does.
func ANV() Reader {
	return func(line string) (string, []Instruction) {
		text := strings.TrimSpace(line)
		if label, ok := strings.CutSuffix(text, ":"); ok && strings.HasPrefix(text, "LABEL") {
			return label, nil
		}
		if _, message, ok := strings.Cut(text, "MsgDesc:"); ok {
			return "", []Instruction{intelMessage(strings.Fields(text)[0], message)}
		}
		if strings.HasPrefix(text, "(") { // a predicate
			_, text, _ = strings.Cut(text, ") ")
			text = strings.TrimSpace(text)
		}
		op, rest, ok := strings.Cut(text, "(")
		width, args, ok2 := strings.Cut(rest, ")")
		if _, err := strconv.Atoi(width); !ok || !ok2 || err != nil || strings.HasPrefix(op, "send") {
			return "", nil // no instruction, or one whose second line tells
		}
		args, _, _ = strings.Cut(args, "{")
		return "", []Instruction{intelInstruction(op, strings.TrimSpace(args))}
	}
}

func intelInstruction(op, args string) Instruction {
	in := Instruction{Op: op, Args: args, Unit: intelUnit(op, args)}
	switch {
	case in.Unit == MultiplyAdd:
		in.Flops = 2
	case in.Unit == Control && op != "endif":
		words := strings.Fields(args) // JIP: LABEL1 UIP: LABEL2
		if len(words) > 1 && words[0] == "JIP:" {
			in.To = words[1]
		}
		// Lanes go different ways: what follows is left out only where none goes there.
		in.Conditional = true
	}
	return in
}

func intelUnit(op, args string) Unit {
	name, _, _ := strings.Cut(op, ".")
	name, _, _ = strings.Cut(name, " ")
	result, _, _ := strings.Cut(args, " ")
	floats := strings.HasSuffix(result, ">F") || strings.HasSuffix(result, ">HF")
	switch {
	case floats && (name == "mad" || name == "mac"):
		return MultiplyAdd
	case floats && (name == "add" || name == "mul"):
		return Float
	}
	switch name {
	case "mov":
		return Move
	case "math":
		return Special
	case "sync", "wait", "nop":
		return Wait
	case "if", "else", "endif", "while", "break", "cont", "halt", "jmpi", "brd", "brc", "goto", "join":
		return Control
	}
	return Integer
}

// intelMessage is an access to memory: of the load-store unit since Arc ("slm", "ugm"), of the
// data cache before ("hdc1", where surface 254 is shared memory).
func intelMessage(unit, message string) Instruction {
	in := Instruction{Op: "send " + unit, Args: strings.TrimSpace(message), Unit: Other}
	inShared := unit == "slm" || strings.Contains(message, "Surface = 254,")
	stores := strings.Contains(message, "store") || strings.Contains(message, "write")
	switch {
	case unit == "gateway", strings.Contains(message, "fence"):
		in.Unit = Wait
	case unit == "ts/btd":
		in.Unit, in.To = Control, nowhere
	case strings.Contains(message, "transpose"), strings.Contains(message, "OWORD block"):
		in.Unit = ScalarLoad
	case inShared:
		in.Unit, in.Bytes = Shared, intelBytes(message)
	case stores:
		in.Unit = Store
	default:
		in.Unit, in.Bytes = Load, intelBytes(message)
	}
	return in
}

// intelBytes is what a lane moves: "d32, V4" are four numbers of 32 bits, "Mask = 0xc" leaves
// two of four out.
func intelBytes(message string) int {
	bytes, n := 4, 1
	for word := range strings.FieldsFuncSeq(message, func(r rune) bool { return r == ',' || r == ' ' || r == ')' }) {
		kind, number := word[0], word[1:]
		kept, _, _ := strings.Cut(number, "u") // d16u32: 16 bits, which become 32
		switch x, err := strconv.Atoi(kept); {
		case err == nil && kind == 'd':
			bytes = x / 8
		case err == nil && kind == 'V':
			n = x
		}
	}
	if _, mask, ok := strings.Cut(message, "Mask = 0x"); ok {
		left, err := strconv.ParseUint(mask[:1], 16, 8)
		for n = 4; err == nil && left > 0; left &= left - 1 {
			n--
		}
	}
	return bytes * n
}

// Package isa reads the machine code that AMD's compiler makes of a kernel, and
// bounds what its hot loop can reach of a GPU's peak. Nothing runs: what comes
// out are upper bounds, never timings.
package isa

import (
	"strconv"
	"strings"
)

// Instruction is one line of machine code. A dual-issued pair is one
// instruction with the second half in Args.
type Instruction struct {
	Op   string
	Args string
}

// Block is a basic block.
type Block struct {
	Label string
	Code  []Instruction
}

// Code is a compiled kernel: what the driver says of it, and its blocks in
// program order.
type Code struct {
	Statistics map[string]int
	Blocks     []Block
}

// Parse reads what vk.Pipeline.Report returns: lines "stat NAME = VALUE", a
// line "isa", then the listing, with labels "BB1:" and encodings behind
// semicolons.
func Parse(report string) *Code {
	c := &Code{Statistics: map[string]int{}}
	listing := false
	for line := range strings.Lines(report) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "isa":
			listing = true
		case !listing:
			name, value, _ := strings.Cut(strings.TrimPrefix(line, "stat "), " = ")
			if x, err := strconv.ParseFloat(value, 64); err == nil {
				c.Statistics[name] = int(x)
			}
		case strings.HasPrefix(line, "BB") && strings.HasSuffix(line, ":"):
			c.Blocks = append(c.Blocks, Block{Label: strings.TrimSuffix(line, ":")})
		default:
			c.add(line)
		}
	}
	return c
}

func (c *Code) add(line string) {
	text, _, _ := strings.Cut(line, ";")
	op, args, _ := strings.Cut(strings.TrimSpace(text), " ")
	if op == "" || op[0] < 'a' || op[0] > 'z' || !strings.Contains(op, "_") {
		return // blank, or what the disassembler doesn't know
	}
	if len(c.Blocks) == 0 {
		c.Blocks = append(c.Blocks, Block{})
	}
	b := &c.Blocks[len(c.Blocks)-1]
	b.Code = append(b.Code, Instruction{op, strings.TrimSpace(args)})
}

// branch is the label that an instruction may jump to, "" where it is none.
func (i Instruction) branch() string {
	if i.Op != "s_branch" && !strings.HasPrefix(i.Op, "s_cbranch") {
		return ""
	}
	return i.Args
}

// Loop is a range of blocks, the last of which jumps back to the first.
type Loop struct{ First, Last int }

// Loops lists the loops by their back edges; those with one head are one.
func (c *Code) Loops() []Loop {
	index := map[string]int{}
	for i, b := range c.Blocks {
		index[b.Label] = i
	}
	last := map[int]int{}
	for i, b := range c.Blocks {
		for _, in := range b.Code {
			if to := in.branch(); to != "" {
				if head, ok := index[to]; ok && head <= i {
					last[head] = max(last[head], i)
				}
			}
		}
	}
	var loops []Loop
	for head := range c.Blocks {
		if end, ok := last[head]; ok {
			loops = append(loops, Loop{head, end})
		}
	}
	return loops
}

// HotLoop is the innermost loop around the block with the most multiply-adds
// among all blocks in loops; ok is false where no such block has 8 of them.
func (c *Code) HotLoop() (hot Loop, ok bool) {
	loops := c.Loops()
	most := 7
	for i := range c.Blocks {
		n := 0
		for _, in := range c.Blocks[i].Code {
			if in.flops() > 0 {
				n++
			}
		}
		if n <= most {
			continue
		}
		best := -1
		for k, l := range loops {
			if l.First <= i && i <= l.Last && (best < 0 || l.Last-l.First < loops[best].Last-loops[best].First) {
				best = k
			}
		}
		if best >= 0 {
			hot, ok, most = loops[best], true, n
		}
	}
	return hot, ok
}

// rare reports a block that only an exceptional case enters, the rescaling and
// the tail of attention: a branch just before it jumps over it, and it neither
// touches buffers nor multiplies and adds, but scales or selects four times or
// more.
func (c *Code) rare(i int) bool {
	if i == 0 || i+1 >= len(c.Blocks) || len(c.Blocks[i-1].Code) == 0 {
		return false
	}
	before := c.Blocks[i-1].Code
	if before[len(before)-1].branch() == "" {
		return false
	}
	n := 0
	for _, in := range c.Blocks[i].Code {
		switch in.class() {
		case shared, vectorMemory, scalarMemory, barrier:
			if !strings.HasPrefix(in.Op, "scratch_") { // spilled registers are no access of the kernel's
				return false
			}
		case vector:
			if in.flops() > 0 {
				return false
			}
			if strings.Contains(in.Op, "cndmask") || strings.Contains(in.Op, "mul_f32") {
				n++
			}
		}
	}
	return n >= 4
}

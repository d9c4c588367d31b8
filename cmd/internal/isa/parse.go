// Package isa reads the machine code that a GPU driver's compiler makes of a kernel, and
// bounds what its hot loop can reach of a GPU's peak. Nothing runs: what comes out are upper
// bounds, never timings.
package isa

import (
	"strconv"
	"strings"
)

// Unit is what executes an instruction, as far as the bounds tell units apart.
type Unit int

// The units. Vector instructions are those of all lanes of a subgroup: MultiplyAdd to Special.
const (
	Other       Unit = iota
	MultiplyAdd      // of floating-point numbers
	Float            // additions and multiplications of floating-point numbers
	Integer          // whole numbers, logic, comparisons, selections, minima and maxima
	Move             // copies and conversions
	Special          // exponentials, logarithms, reciprocals and roots
	Shared           // memory of the workgroup, both ways
	Load             // memory and textures, each lane from an address of its own
	Store
	Scalar     // once for the subgroup
	ScalarLoad // memory, once for the subgroup
	Control    // branches
	Wait       // for results or other subgroups: barriers, too
	units
)

// Instruction is one instruction. Of a pair that is issued at once both halves are one.
type Instruction struct {
	Op   string
	Args string
	Unit Unit

	Flops int // of a lane, of a multiply-add
	Bytes int // that a lane moves in shared memory, or loads

	To          string // the label that it may jump to
	Conditional bool   // what follows may be left out
}

// nowhere is where an instruction jumps to that ends the kernel.
const nowhere = "end"

// Dialect makes the reader of one kernel's listing.
type Dialect func() Reader

// Reader reads a listing line by line: the label that a line sets, "" for none, and the
// instructions that it stands for, most often one.
type Reader func(line string) (label string, code []Instruction)

// Block is a basic block: nothing jumps into it, and only its end jumps.
type Block struct {
	Code []Instruction
	next []int // blocks that may follow
}

// Code is a compiled kernel: what the driver says of it, and its blocks in program order.
type Code struct {
	Statistics map[string]int
	Blocks     []Block
}

// Parse reads what vk.Pipeline.Report returns: lines "stat NAME = VALUE", a line "isa", then
// the listing. Without a dialect the listing is left alone.
func Parse(report string, dialect Dialect) *Code {
	c := &Code{Statistics: map[string]int{}}
	head, listing, _ := strings.Cut(report, "isa\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "stat "), " = ")
		if x, err := strconv.ParseFloat(value, 64); err == nil {
			c.Statistics[name] = int(x)
		}
	}
	if dialect != nil {
		c.assemble(listing, dialect())
	}
	return c
}

// assemble cuts a listing into blocks, at the labels that are jumped to and after branches.
func (c *Code) assemble(listing string, read Reader) {
	var code []Instruction
	at, targets := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(listing) {
		label, more := read(strings.TrimRight(line, "\r\n"))
		if label != "" {
			at[label] = len(code)
		}
		for _, in := range more {
			targets[in.To] = true
		}
		code = append(code, more...)
	}
	starts := make([]bool, len(code)+1)
	for label, i := range at {
		starts[i] = starts[i] || targets[label]
	}
	block := make([]int, len(code)+1) // of each instruction
	for i, in := range code {
		if i == 0 || starts[i] || code[i-1].Unit == Control {
			c.Blocks = append(c.Blocks, Block{})
		}
		block[i] = len(c.Blocks) - 1
		c.Blocks[block[i]].Code = append(c.Blocks[block[i]].Code, in)
	}
	block[len(code)] = len(c.Blocks)
	for k := range c.Blocks {
		c.Blocks[k].next = c.following(k, at, block)
	}
}

// following lists the blocks that may come after one.
func (c *Code) following(k int, at map[string]int, block []int) []int {
	var next []int
	code := c.Blocks[k].Code
	last := code[len(code)-1]
	if i, ok := at[last.To]; ok && last.To != "" && block[i] < len(c.Blocks) {
		next = append(next, block[i])
	}
	if (last.To == "" || last.Conditional) && k+1 < len(c.Blocks) {
		next = append(next, k+1)
	}
	return next
}

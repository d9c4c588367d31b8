package isa

import (
	"slices"
	"strings"
)

// Loop is a natural loop: its blocks in program order, and its head among them, through which
// alone it is entered. Compilers may place the head behind the others.
type Loop struct {
	Head   int
	Blocks []int
}

// Loops lists the loops by their heads. Loops with one head are one.
func (c *Code) Loops() []Loop {
	before := c.before()
	var loops []Loop
	for head := range c.Blocks {
		in := map[int]bool{}
		for _, end := range before[head] {
			addBody(in, head, end, before)
		}
		if len(in) == 0 {
			continue
		}
		l := Loop{Head: head}
		for k := range in {
			l.Blocks = append(l.Blocks, k)
		}
		slices.Sort(l.Blocks)
		loops = append(loops, l)
	}
	return loops
}

// before lists for each block those that it may follow, as far as the kernel's start leads to
// them.
func (c *Code) before() [][]int {
	before := make([][]int, len(c.Blocks))
	seen, open := make([]bool, len(c.Blocks)), []int{0}
	for len(open) > 0 && len(seen) > 0 {
		k := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[k] {
			continue
		}
		seen[k] = true
		for _, n := range c.Blocks[k].next {
			before[n] = append(before[n], k)
		}
		open = append(open, c.Blocks[k].next...)
	}
	return before
}

// addBody adds to a set what leads to end without the head. Where the kernel's start does, the
// jump from end to head makes no loop, and nothing is added.
func addBody(set map[int]bool, head, end int, before [][]int) {
	found, open := map[int]bool{head: true}, []int{end}
	for len(open) > 0 {
		k := open[len(open)-1]
		open = open[:len(open)-1]
		if found[k] {
			continue
		}
		if k == 0 {
			return
		}
		found[k] = true
		open = append(open, before[k]...)
	}
	for k := range found {
		set[k] = true
	}
}

// least is the fewest multiply-adds that a hot loop's block has.
const least = 8

// HotLoop is the innermost loop around the block with the most multiply-adds among all
// blocks in loops; ok is false where no such block has eight of them.
func (c *Code) HotLoop() (hot Loop, ok bool) {
	most := least - 1
	for _, l := range c.Loops() {
		for _, k := range l.Blocks {
			n := c.Blocks[k].count(MultiplyAdd)
			if n > most || n == most && ok && slices.Contains(hot.Blocks, k) && len(l.Blocks) < len(hot.Blocks) {
				hot, ok, most = l, true, n
			}
		}
	}
	return hot, ok
}

func (b *Block) count(unit Unit) int {
	n := 0
	for _, in := range b.Code {
		if in.Unit == unit {
			n++
		}
	}
	return n
}

// rare reports a block that only an exceptional case enters, the rescaling and the tail of
// attention: a branch just before it may leave it out, and it neither touches memory nor
// multiplies and adds, but multiplies or selects four times or more.
func (c *Code) rare(k int) bool {
	if k == 0 {
		return false
	}
	before := c.Blocks[k-1].Code
	if !before[len(before)-1].Conditional {
		return false
	}
	n := 0
	for _, in := range c.Blocks[k].Code {
		switch in.Unit {
		case Shared, Load, Store, ScalarLoad, MultiplyAdd:
			return false
		}
		if strings.Contains(in.Op, "mul") || strings.Contains(in.Op, "sel") || strings.Contains(in.Op, "cndmask") {
			n++
		}
	}
	return n >= 4
}

package main

import (
	"fmt"
	"strings"

	"github.com/crate-vk/crate-vk/cmd/internal/isa"
	"github.com/crate-vk/crate-vk/shaders"
)

// hotLoop is what a kernel's hot loop is made of, and what bounds it.
type hotLoop struct {
	isa.Counts
	isa.Prediction
	Bank float64 // clocks of shared memory for each multiply-add of 32 lanes; 0: not reckoned
}

// hot describes a kernel's hot loop, nil where there is none.
func hot(t target, kernel string, c shaders.Values, code *isa.Code) *hotLoop {
	loop, ok := code.HotLoop()
	if !ok {
		return nil
	}
	occupancy := 1.0
	if t.driver == radv {
		occupancy = float64(code.Statistics[t.driver.occupancy])
	}
	h := &hotLoop{Counts: code.Count(loop)}
	h.Prediction = t.model.Predict(h.Counts, occupancy)
	if kernel == "linear_tiles" && t.model.Banks {
		h.Bank = isa.TileBankCycles(c("BM"), c("BN"), c("TM"), c("TN"), c("LX"))
	}
	return h
}

// hotColumns are the columns of a hot loop: how many instructions of each kind an iteration
// has, and what follows from them.
var hotColumns = []struct {
	name string
	cell func(*hotLoop) string
}{
	{"multiply-adds", ofUnit(isa.MultiplyAdd)},
	{"float", ofUnit(isa.Float)},
	{"integer", ofUnit(isa.Integer)},
	{"moves", ofUnit(isa.Move)},
	{"special", ofUnit(isa.Special)},
	{"shared", ofUnit(isa.Shared)},
	{"loads", ofUnit(isa.Load)},
	{"uniform loads", ofUnit(isa.ScalarLoad)},
	{"scalar", ofUnit(isa.Scalar)},
	{"control", ofUnit(isa.Control)},
	{"waits", ofUnit(isa.Wait)},
	{"adds of vector", func(h *hotLoop) string { return fmt.Sprintf("%.1f %%", 100*h.Density()) }},
	{"shared B/flop", func(h *hotLoop) string { return fmt.Sprintf("%.3f", float64(h.SharedBytes)/float64(h.Flops)) }},
	{"load B/flop", func(h *hotLoop) string { return fmt.Sprintf("%.3f", float64(h.LoadBytes)/float64(h.Flops)) }},
	{"bank", func(h *hotLoop) string {
		if h.Bank == 0 {
			return ""
		}
		return fmt.Sprintf("%.3f", h.Bank)
	}},
	{"at most", func(h *hotLoop) string { return fmt.Sprintf("%.1f %%", 100*h.Share) }},
	{"by", func(h *hotLoop) string { return h.By }},
}

func ofUnit(unit isa.Unit) func(*hotLoop) string {
	return func(h *hotLoop) string { return fmt.Sprint(h.Of[unit]) }
}

// hotHeading and hotRule begin a table with the columns of hot loops.
func hotHeading() string {
	var s strings.Builder
	for _, c := range hotColumns {
		s.WriteString(" " + c.name + " |")
	}
	return s.String()
}

func hotRule() string { return strings.Repeat("--:|", len(hotColumns)) }

// cells are a row's, empty for a kernel without a hot loop.
func (h *hotLoop) cells() string {
	var s strings.Builder
	for _, c := range hotColumns {
		text := ""
		if h != nil {
			text = c.cell(h)
		}
		s.WriteString(" " + text + " |")
	}
	return s.String()
}

const aboutHot = `
**Hot loop.** The machine code of all drivers is read. The hot loop is the innermost one around the block with the most multiply-adds,
without blocks that only an exceptional case enters. Its columns count the instructions of one iteration by what executes them:
multiply-adds, other additions and multiplications ("float"), whole numbers, comparisons and selections ("integer"), copies and
conversions ("moves"), exponentials and roots ("special"), accesses to shared memory, loads of each lane, loads and computations once
for a subgroup ("uniform loads", "scalar"), branches ("control") and waits. A pair that AMD issues at once counts once, an instruction that
Adreno repeats as often as it is executed. "adds of vector" is the share of multiply-adds among the first five, "B/flop" are the bytes that a
lane moves in shared memory and loads for each operation, "bank" the clocks of shared memory for each multiply-add of 32 lanes by
a simulation of 32 banks.

"at most" is an upper bound of the loop's share of fp32 peak and **no timing**: each unit that a GPU's model has is supposed to work without a
pause, and the one that takes longest is named. Latency counts as hidden, caches as hit, registers' banks as free of conflicts. Where a
unit's rate is documented by nobody, it bounds nothing, and the bound says less: that is so for the memories of Adreno, Apple and Intel since
Arc, and for texture units. Above each table stands its model.
`

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// formerChoice lists what the device was given by one image of the first model before
// processors had rows: subgroups of 32 for all kernels where the device has them, and the
// shapes of the rows whose bounds are those of that time, 20 quads of a head in subgroups of 32
// and 12 in wider ones. The compiler goes on making these.
func (c *compiler) formerChoice() (list []variant, subgroup int, err error) {
	// The engine is told of an AMD card that wants all kernels in subgroups of 32.
	info := &c.dev.VK.Info
	info.Vendor, info.DriverID, info.VectorRegisters = 0x1002, 0, 1024
	lim := c.dev.Limits
	if info.MinSubgroup <= 32 && 32 <= info.MaxSubgroup {
		lim.Subgroup, lim.Processor = 32, plan.CPU
	} else {
		lim.Subgroup, lim.Processor = info.Subgroup, plan.Adreno7
	}
	var all variants
	err = addModel(&all, lim, models()[0], []graph.DType{graph.F32}, []int{1})
	return all.list, lim.Subgroup, err
}

// comparison sets what GPUs were given before beside what they are given now.
func comparison(b *strings.Builder, list []target, answers []*answer) {
	fmt.Fprintf(b, "## Before and after\n\n%s\n\n", strings.TrimSpace(aboutFormer))
	b.WriteString("| GPU | kernel | | shape | subgroup | registers | spills | occupancy | cycles | an output |\n|---|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	b.WriteString(strings.Join(comparisonLines(list, answers), "\n") + "\n\n")
}

// comparisonLines has two rows, before and now, for each target whose former choice was
// compiled and each kernel: its worst variants.
func comparisonLines(list []target, answers []*answer) []string {
	var lines []string
	for i, t := range list {
		a := answers[i]
		now := slices.DeleteFunc(slices.Clone(a.Rows), func(r row) bool { return !slices.Contains(r.Used, models()[0]) })
		for _, kernel := range []string{"linear_tiles", "attend_uniform", "attend_map"} {
			before, ok := t.worst(a.Former, kernel)
			if !ok {
				continue
			}
			lines = append(lines, fmt.Sprintf("| %s | %s | before %s", t.gpu, kernel, t.formerCells(before, a.FormerSubgroup)))
			if r, ok := t.worst(now, kernel); ok {
				lines = append(lines, "| | | now "+t.formerCells(r, a.Subgroup))
			}
		}
	}
	return lines
}

const aboutFormer = `
What GPUs were given before processors had rows (up to commit 82345a4), forced anew on the same compilers, beside what they are
given now. Formerly all kernels ran in subgroups of 32 where a device has them, and else in its own; an invocation had 8 × 8 outputs of a product
and heads of up to 20 quads, 12 in subgroups wider than 32. Of each kernel that emergence-b8 needs in float32 one variant is
shown: the one with the most spills, among equals with the most outputs of an invocation, then with the most registers. "cycles" are the compiler's
own estimate where it makes one (ANV, NVK), with its guess of how often a loop runs, and no timing; "an output" is that estimate for each
output of a subgroup (of an attention: for each channel of a query), which makes shapes of different sizes comparable.
`

// worst is the variant of a kernel with the most spills, among equals the one with the most
// outputs, then with the most registers; false where there is none.
func (t target) worst(rows []row, kernel string) (row, bool) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Kernel != kernel })
	if len(rows) == 0 {
		return row{}, false
	}
	return slices.MaxFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(t.driver.spilled(a), t.driver.spilled(b)), cmp.Compare(a.outputs(), b.outputs()), cmp.Compare(a.Statistics[t.driver.registers], b.Statistics[t.driver.registers]))
	}), true
}

// formerCells are a row of the comparison, behind its name.
func (t target) formerCells(r row, subgroup int) string {
	if t.driver == anv { // whose compiler chooses where nothing is asked for
		subgroup = int(r.Statistics[t.driver.occupancy])
	}
	cycles, each := "", ""
	if n, ok := r.Statistics[t.driver.cycles]; ok {
		cycles = fmt.Sprintf("%.0f", n)
		if outputs := r.outputs(); outputs > 0 {
			each = fmt.Sprintf("%.1f", n/float64(subgroup*outputs))
		}
	}
	return fmt.Sprintf("| %s | %d | %.0f | %.0f | %.0f | %s | %s |", r.shape(), subgroup, r.Statistics[t.driver.registers], t.driver.spilled(r), r.Statistics[t.driver.occupancy], cycles, each)
}

// shape is what of a variant's constants decides about its registers.
func (r row) shape() string {
	switch r.Kernel {
	case "linear_tiles":
		return fmt.Sprintf("%d × %d, %d × %d of an invocation", r.constant("BM"), r.constant("BN"), r.constant("TM"), r.constant("TN"))
	case "attend_uniform":
		return fmt.Sprintf("%d quads, %d keys", r.constant("SLICE"), r.constant("KEYS"))
	}
	return fmt.Sprintf("%d quads kept", r.constant("HEAD_QUADS"))
}

// outputs are what an invocation computes, 0 where that depends on the image.
func (r row) outputs() int {
	switch r.Kernel {
	case "linear_tiles":
		return r.constant("TM") * r.constant("TN")
	case "attend_uniform":
		return 4 * r.constant("SLICE")
	}
	return 0
}

// constant is a specialization constant's value.
func (r row) constant(name string) int {
	for word := range strings.FieldsSeq(r.Constants) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			n, _ := strconv.Atoi(value) // written by constants
			return n
		}
	}
	return 0
}

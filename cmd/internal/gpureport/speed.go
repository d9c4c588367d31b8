package main

import (
	"fmt"
	"slices"
	"strings"
)

// writeCeilings is the table of what the device can do at most.
func (r results) writeCeilings(b *strings.Builder) {
	c := r.ceilings
	if len(c.Peaks) == 0 {
		return
	}
	b.WriteString("\nCeilings, measured with nothing but registers (`crate-vk bench ceilings`); crate-vk's kernels use no cooperative matrices:\n\n")
	b.WriteString("| factors | sums | matrices M×N×K | of a | TFLOP/s |\n|---|---|---|---|--:|\n")
	for _, p := range c.Peaks {
		shape, scope, speed := "–", "–", fmt.Sprintf("%.3g", p.GFLOPS/1e3)
		if p.Shape != nil {
			shape, scope = fmt.Sprintf("%d×%d×%d", p.Shape[0], p.Shape[1], p.Shape[2]), p.Scope
		}
		if p.Error != "" {
			speed = "**" + p.Error + "**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", p.Factors, p.Sums, shape, scope, speed)
	}
	fmt.Fprintf(b, "\nCopying within its memory: %.0f GB/s, read and written.", c.GBs)
	if len(c.Lacks) > 0 {
		fmt.Fprintf(b, " Not there: %s.", strings.Join(c.Lacks, "; "))
	}
	b.WriteString("\n")
}

// writeProducts is the table of one matrix product, beside PyTorch's.
func (r results) writeProducts(b *strings.Builder) {
	if len(r.products) == 0 {
		return
	}
	b.WriteString("\nOne matrix product, matrices on the device (`crate-vk bench product`); PyTorch's fp32 has TF32 off, its tf32 on:\n\n")
	b.WriteString("| | product | kernel | GF/s | of PyTorch's fp32 | of its tf32 | of its fp16 |\n|---|---|---|--:|--:|--:|--:|\n")
	for _, name := range []string{"fp32", "tuned", "fp16"} {
		p, ok := r.products[name]
		if !ok {
			continue
		}
		fmt.Fprintf(b, "| %s | %d×%d×%d | %s | %.0f |", name, p.Rows, p.Inner, p.Columns, p.Kernel, p.GFLOPS)
		for _, precision := range []string{"fp32", "tf32", "fp16"} {
			fmt.Fprintf(b, " %s |", r.ofTorch(p, precision))
		}
		b.WriteString("\n")
	}
}

// ofTorch is a product's speed ÷ PyTorch's of the same size, a dash where there is none.
func (r results) ofTorch(p product, precision string) string {
	i := slices.IndexFunc(r.torchProducts, func(t product) bool {
		return t.Precision == precision && t.Rows == p.Rows && t.Inner == p.Inner && t.Columns == p.Columns
	})
	if i < 0 || r.torchProducts[i].GFLOPS == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", p.GFLOPS/r.torchProducts[i].GFLOPS)
}

// writeKernels are the kernels of each model's largest batch, in both precisions: what
// tune left where it ran.
func (r results) writeKernels(b *strings.Builder) {
	for _, t := range r.bench {
		larger := slices.ContainsFunc(r.bench, func(o timing) bool { return o.Model == t.Model && o.Precision == t.Precision && o.Batch > t.Batch })
		if larger {
			continue
		}
		how := ""
		if tuned := find(r.tuned, t); tuned != nil && len(tuned.Ops) > 0 {
			t, how = *tuned, ", tuned"
		}
		if len(t.Ops) == 0 {
			continue // the device has no timestamps
		}
		fmt.Fprintf(b, "\n%s, batch %d, %s%s: each kernel's time in a batch and its share of the roof, the nearer of the two ceilings of fp32 and copying.\n\n", t.Model, t.Batch, t.Precision, how)
		b.WriteString("| kernel | count | ms | GF/s | GB/s | share |\n|---|--:|--:|--:|--:|--:|\n")
		for _, o := range t.Ops {
			fmt.Fprintf(b, "| %s | %d | %.3f | %.0f | %.0f | %.0f %% |\n", o.Name, o.Count, o.MS, o.GFLOPS, o.GBs, 100*o.ShareOfRoof)
		}
	}
}

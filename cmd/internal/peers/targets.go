package main

import (
	"fmt"
	"strings"
)

// target bounds a figure of crate-vk at one width of vectors.
type target struct {
	what  string
	bits  int
	bound float64
	least bool // the figure shall be at least the bound, else at most
	get   func(b *bench, p *peer) (float64, bool)
}

// targets are the project's, for llvmpipe of Mesa 22.3.
func targets() []target {
	cpu := func(name string) func(*bench, *peer) (float64, bool) {
		return func(b *bench, p *peer) (float64, bool) {
			if r := b.find(name, p); r != nil {
				return r.toCPU.median, true
			}
			return 0, false
		}
	}
	ggml := func(name string) func(*bench, *peer) (float64, bool) {
		return func(b *bench, p *peer) (float64, bool) {
			r, g := b.find(name, p), b.find(name, b.ggml)
			if r == nil || g == nil {
				return 0, false
			}
			return g.wall.median / r.wall.median, true
		}
	}
	product := func(figure func(gemmRow) float64) func(*bench, *peer) (float64, bool) {
		return func(b *bench, p *peer) (float64, bool) {
			for _, g := range b.gemm {
				if g.peer == p {
					return figure(g), true
				}
			}
			return 0, false
		}
	}
	share := product(func(g gemmRow) float64 { return g.share.median })
	beyond := product(func(g gemmRow) float64 { return g.beyond.median })
	const full = ": full forward, CPU ÷ PyTorch's published formulas"
	return []target{
		{"B/8 b1" + full, 256, 0.95, false, cpu("B/8 b1")},
		{"B/8 b1" + full, 512, 0.80, false, cpu("B/8 b1")},
		{"S/16 b8" + full, 256, 1.05, false, cpu("S/16 b8")},
		{"S/16 b8" + full, 512, 0.90, false, cpu("S/16 b8")},
		{"S/16 b1" + full, 512, 1.00, false, cpu("S/16 b1")},
		{"B/8 b1: map at layer 10, CPU ÷ PyTorch's full forward", 256, 0.80, false, cpu(mapCase)},
		{"B/8 b1: map at layer 10, CPU ÷ PyTorch's full forward", 512, 0.68, false, cpu(mapCase)},
		{"S/16 b1: times faster than ggml-Vulkan, wall", 256, 10, true, ggml("S/16 b1, ggml")},
		{"B/8 b1: times faster than ggml-Vulkan, wall", 256, 10, true, ggml("B/8 b1, ggml")},
		{"B/8 b1: GEMM 785×768×768 in the plan, share of SGEMM", 256, 0.40, true, share},
		{"B/8 b1: GEMM 785×768×768 in the plan, share of SGEMM", 512, 0.52, true, share},
		{"B/8 b1: whole plan ÷ its products alone", 256, 1.10, false, beyond},
		{"B/8 b1: whole plan ÷ its products alone", 512, 1.10, false, beyond},
	}
}

// writeTargets prints the targets with what this run has: nothing on other
// devices than llvmpipe, for which they were not set.
func (b *bench) writeTargets(s *strings.Builder) {
	var lines []string
	for _, t := range targets() {
		for _, p := range b.vulk {
			x, ok := t.get(b, p)
			if !ok || p.bits != t.bits {
				continue
			}
			sign, met := "≤", x <= t.bound
			if t.least {
				sign, met = "≥", x >= t.bound
			}
			verdict := "met"
			if !met {
				verdict = "**missed**"
			}
			lines = append(lines, fmt.Sprintf("| %s | %d | %.2f | %s %.2f | %s |\n", t.what, t.bits, x, sign, t.bound, verdict))
		}
	}
	if len(lines) > 0 {
		s.WriteString("\n## Targets\n\nMedians of this run.\n\n| figure | vector bits | here | target | |\n|---|---|---|---|---|\n")
		s.WriteString(strings.Join(lines, ""))
	}
}

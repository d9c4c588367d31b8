package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/crate-vk/crate-vk/cmd/internal/sensors"
)

// page is docs/peers.md: what is compared and how, and this run's figures.
func (b *bench) page() string {
	var s strings.Builder
	s.WriteString(intro)
	s.WriteString("\n## The run\n\n")
	fmt.Fprintf(&s, "%s, %s, %d cores, Linux %s. %s\n\n", time.Now().Format("2 January 2006"), sensors.CPUModel(), runtime.NumCPU(), kernel(), b.quiet())
	for _, v := range b.versions() {
		fmt.Fprintf(&s, "- %s\n", v)
	}
	for _, n := range b.notes {
		fmt.Fprintf(&s, "- %s\n", n)
	}
	b.writeTable(&s)
	b.writeProducts(&s)
	b.writeTargets(&s)
	s.WriteString(remarks)
	return s.String()
}

// versions of the peers, each once.
func (b *bench) versions() (list []string) {
	seen := map[string]bool{"": true}
	peers := b.peers
	if b.ggml != nil {
		peers = append(peers[:len(peers):len(peers)], b.ggml)
	}
	for _, p := range peers {
		if !seen[p.version] {
			seen[p.version] = true
			list = append(list, p.version)
		}
	}
	return list
}

// loadAverage is the machine's: how many processes wanted a core, on average over five
// minutes; 0 where it is not known.
func loadAverage() float64 {
	var one, five float64
	data, _ := os.ReadFile("/proc/loadavg")
	fmt.Sscan(string(data), &one, &five)
	return five
}

// quiet says whether the machine did anything else when the run began.
func (b *bench) quiet() string {
	if b.load0 < 0.25*float64(runtime.NumCPU()) {
		return fmt.Sprintf("The load before the run was %.1f.", b.load0)
	}
	return fmt.Sprintf("**The machine was busy with other work** (load %.1f before the run): the times are not to be relied on, the ratios hardly.", b.load0)
}

func kernel() string {
	out, err := exec.Command("uname", "-r").Output()
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) writeTable(s *strings.Builder) {
	s.WriteString("\nMedian (5th – 95th percentile) of the rounds; times in ms an image, ratios to PyTorch's published formulas in the same round.\n\n")
	s.WriteString("| case | peer | wall ms | CPU ms | wall ÷ PyTorch | CPU ÷ PyTorch | rounds × forwards | largest difference |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range b.table {
		fmt.Fprintf(s, "| %s | %s | %s | %s | %s | %s | %d × %d | %s |\n", r.c.name, r.peer.name, r.wall.times(1e3).format("%.3g"), r.cpu.times(1e3).format("%.3g"),
			r.toWall.format("%.2f"), r.toCPU.format("%.2f"), r.rounds, r.forward, part(r.diff))
	}
}

// part is a share of the largest output.
func part(x float64) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0e", x)
}

func (x spread) times(by float64) spread { return spread{x.median * by, x.p5 * by, x.p95 * by} }

// format prints numbers of three digits without an exponent.
func (x spread) format(verb string) string {
	one := func(f float64) string {
		if verb == "%.3g" && f >= 100 {
			return fmt.Sprintf("%.0f", f)
		}
		return fmt.Sprintf(verb, f)
	}
	return fmt.Sprintf("%s (%s – %s)", one(x.median), one(x.p5), one(x.p95))
}

func (b *bench) writeProducts(s *strings.Builder) {
	if len(b.gemm) == 0 {
		return
	}
	fmt.Fprintf(s, "\nProducts of B/8 b1, in %d rounds with the machine's SGEMM, which PyTorch makes %s GF/s of at 785×768×768", productRounds, b.sgemm.format("%.0f"))
	if b.ggmlGEMM > 0 {
		fmt.Fprintf(s, "; ggml-Vulkan makes %.1f of it", b.ggmlGEMM)
	}
	s.WriteString(":\n\n| peer | GEMM 785×768×768 in the plan, GF/s | share of SGEMM | whole plan ÷ its products alone |\n|---|---|---|---|\n")
	for _, g := range b.gemm {
		fmt.Fprintf(s, "| %s | %s | %s %% | %s |\n", g.peer.name, g.speed.format("%.1f"), g.share.times(100).format("%.0f"), g.beyond.format("%.2f"))
	}
}

// find is a row of the table, nil where there is none.
func (b *bench) find(name string, p *peer) *row {
	for i := range b.table {
		if r := &b.table[i]; r.c.name == name && r.peer == p {
			return r
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/crate-vk/crate-vk/cmd/internal/stats"
)

// turnTime is how long a peer's turn should last: short forwards are repeated.
const turnTime = 0.05 // seconds

// row is one peer in one case. Times are seconds an image, ratios are to the
// first peer in the same round.
type row struct {
	c               benchCase
	peer            *peer
	wall, cpu       spread
	toWall, toCPU   spread
	rounds, forward int // forwards a turn
	diff            float64
}

// spread is a median with the fifth and ninety-fifth percentile.
type spread struct{ median, p5, p95 float64 }

func spreadOf(list []float64) spread {
	s := stats.Summarise(list)
	return spread{s.Median, s.P5, s.P95}
}

// run times a case: in every round each peer has one turn, in the next round in
// the opposite order.
func (b *bench) run(ctx context.Context, c benchCase) error {
	peers, rounds := b.peers, b.rounds
	if c.ggml {
		if b.ggml == nil {
			return nil
		}
		peers = append([]*peer{b.peers[0], b.ggml}, b.vulk...)
	}
	if c.rounds > 0 {
		rounds = min(rounds, c.rounds)
	}
	diffs, err := b.load(ctx, c, peers)
	if err != nil {
		return err
	}
	times := make([]int, len(peers))
	for i, p := range peers {
		a, err := p.ask(ctx, request{Do: "run", Times: 1})
		if err != nil {
			return err
		}
		times[i] = int(min(max(math.Ceil(turnTime/a.Wall), 1), 100))
	}
	wall, cpu := make([][]float64, len(peers)), make([][]float64, len(peers))
	order := make([]int, len(peers))
	for i := range order {
		order[i] = i
	}
	for n := range rounds {
		fmt.Fprintf(b.log, "\r%s: round %d of %d", c.name, n+1, rounds)
		for _, i := range order {
			a, err := peers[i].ask(ctx, request{Do: "run", Times: times[i]})
			if err != nil {
				return err
			}
			wall[i] = append(wall[i], a.Wall/float64(c.batch))
			cpu[i] = append(cpu[i], a.CPU/float64(c.batch))
		}
		slices.Reverse(order)
	}
	fmt.Fprintln(b.log)
	for i, p := range peers {
		b.table = append(b.table, row{c, p, spreadOf(wall[i]), spreadOf(cpu[i]), spreadOf(ratios(wall[i], wall[0])), spreadOf(ratios(cpu[i], cpu[0])), rounds, times[i], diffs[i]})
	}
	return nil
}

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

// gemmRow is what one of crate-vk's peers makes of products inside the plan.
type gemmRow struct {
	peer   *peer
	speed  spread // GF/s of the plan's products 785×768×768
	share  spread // of the machine's SGEMM, a round each
	beyond spread // whole plan ÷ its products alone
}

// productRounds is how often the products are measured, and the machine's SGEMM
// beside them.
const productRounds = 5

// productsCase is what -cases calls them.
const productsCase = "B/8 b1 products"

// products compares the plan's products with the machine's, on B/8.
func (b *bench) products(ctx context.Context) error {
	c := cases()[0]
	fmt.Fprintln(b.log, productsCase)
	list := append([]*peer{b.peers[0]}, b.vulk...)
	if _, err := b.load(ctx, c, list); err != nil {
		return err
	}
	product := request{M: 785, K: 768, N: 768, Threads: runtime.NumCPU()}
	if b.ggml != nil {
		g := product
		g.Do, g.Times = "gemm", 3
		a, err := b.ggml.ask(ctx, g)
		if err != nil {
			return err
		}
		b.ggmlGEMM = a.GFLOPS
	}
	var sgemm []float64
	speed, share, beyond := make([][]float64, len(list)), make([][]float64, len(list)), make([][]float64, len(list))
	for range productRounds {
		g := product
		g.Do, g.Times = "gemm", 30
		a, err := list[0].ask(ctx, g)
		if err != nil {
			return err
		}
		sgemm = append(sgemm, a.GFLOPS)
		for i, p := range list[1:] {
			g.Do, g.Times = "ops", 3
			ops, err := p.ask(ctx, g)
			if err != nil {
				return err
			}
			speed[i], share[i] = append(speed[i], ops.GFLOPS), append(share[i], ops.GFLOPS/a.GFLOPS)
			alone, err := p.ask(ctx, request{Do: "alone", Times: 1})
			if err != nil {
				return err
			}
			beyond[i] = append(beyond[i], alone.Share...)
		}
	}
	b.sgemm = spreadOf(sgemm)
	for i, p := range list[1:] {
		b.gemm = append(b.gemm, gemmRow{p, spreadOf(speed[i]), spreadOf(share[i]), spreadOf(beyond[i])})
	}
	return nil
}

package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// BenchmarkRowOfMap picks a row of attention maps, as a window does for the
// point under the mouse: of maps that stayed on the device, and of maps that the
// host has.
func BenchmarkRowOfMap(b *testing.B) {
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		b.Skip(err)
	}
	defer inst.Close()
	infos, err := inst.Devices()
	if err != nil {
		b.Skip(err)
	}
	for _, info := range infos {
		for _, heads := range []int{4, 12} {
			benchmarkRow(b, info, heads)
		}
	}
}

func benchmarkRow(b *testing.B, info vk.Info, heads int) {
	const tokens = 257
	ctx := context.Background()
	e, err := Open(ctx, WithDevice("uuid:"+info.UUID), withoutSelfTest())
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	program := func(keep string, build func(g *graph.Builder)) *Program {
		gb := graph.NewBuilder("bench")
		build(gb)
		g, err := gb.Graph()
		if err != nil {
			b.Fatal(err)
		}
		o := CompileOptions{}
		if keep != "" {
			o.Keep = []string{keep}
		}
		p, err := e.Compile(ctx, g, prove.RandomParams(g), o)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	maps := func(g *graph.Builder) {
		x := g.Input("x", f32("B", 1, "N", tokens, "C", 32*heads))
		g.Output("maps", g.Do(graph.OpAttention, at{"heads": heads, "scale": 0.2}, x, x))
	}
	kept, read := program("maps", maps), program("", maps)
	pick := program("", func(g *graph.Builder) {
		a := g.Input("maps", f32("H", heads, "rows", tokens, "keys", tokens))
		g.Output("row", g.Do(graph.OpHeadMix, nil, g.Input("which", f32("H", heads, "one", 1, "rows", tokens)), a))
	})
	x, which := make([]float32, tokens*32*heads), make([]float32, heads*tokens)
	run := func(b *testing.B, p *Program, in Inputs) *Outputs {
		out, err := p.Run(ctx, in)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	resident := run(b, kept, Inputs{"x": x}).Device["maps"]
	host := run(b, read, Inputs{"x": x}).Tensors["maps"]
	for _, c := range []struct {
		name string
		maps any
	}{{"device", resident}, {"host", host}} {
		b.Run(fmt.Sprintf("%s/%d heads/row/%s", info.Name, heads, c.name), func(b *testing.B) {
			for range b.N {
				run(b, pick, Inputs{"maps": c.maps, "which": which})
			}
		})
	}
	b.Run(fmt.Sprintf("%s/%d heads/chain/device", info.Name, heads), func(b *testing.B) {
		for range b.N {
			out := run(b, kept, Inputs{"x": x})
			run(b, pick, Inputs{"maps": out.Device["maps"], "which": which})
			out.Close()
		}
	})
	b.Run(fmt.Sprintf("%s/%d heads/chain/host", info.Name, heads), func(b *testing.B) {
		for range b.N {
			run(b, pick, Inputs{"maps": run(b, read, Inputs{"x": x}).Tensors["maps"], "which": which})
		}
	})
}

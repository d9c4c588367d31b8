package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// and both as one.
var chains = map[string][2]func(b *graph.Builder, x *graph.Value) *graph.Value{
	"tokens": {
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpLinear, nil, x, b.Param("u", f32("R", 6, "K", 10)))
		},
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpLinear, at{"act": "gelu"}, x, b.Param("v", f32("R", 7, "K", 6)))
		},
	},
	"heads": { // what is padded head by head is taken as one group
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpMSSA, at{"heads": 2, "scale": 0.5}, x)
		},
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpLinear, nil, x, b.Param("v", f32("R", 7, "K", 10)))
		},
	},
	"one row": {
		func(b *graph.Builder, x *graph.Value) *graph.Value { return b.Do(graph.OpSelect, at{"row": 3}, x) },
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpLinear, nil, x, b.Param("v", f32("R", 5, "K", 10)))
		},
	},
	"float32 at any precision": {
		func(b *graph.Builder, x *graph.Value) *graph.Value {
			return b.Do(graph.OpUnitRows, at{"prefix": 1}, x)
		},
		func(b *graph.Builder, x *graph.Value) *graph.Value { return b.Do(graph.OpMeanRows, at{"first": 0}, x) },
	},
}

// one.
func TestChains(t *testing.T) {
	everywhere(t, func(t *testing.T, e *Engine, tolerance float64) {
		for _, name := range slices.Sorted(maps.Keys(chains)) {
			chain(t, e, name, chains[name][0], chains[name][1], tolerance)
		}
	})
}

// chain holds two graphs one behind the other against both in one.
func chain(t *testing.T, e *Engine, name string, first, second func(b *graph.Builder, x *graph.Value) *graph.Value, tolerance float64) {
	t.Helper()
	own := func(b *graph.Builder) *graph.Value { return b.Input("x", f32("B", 2, "N", 12, "C", 10)) }
	var between graph.Type
	one := compile(t, e, built(t, name, func(b *graph.Builder) {
		y := first(b, own(b))
		between = y.Type
		b.Output("y", y)
	}), "y")
	read := compile(t, e, built(t, name, func(b *graph.Builder) { b.Output("y", first(b, own(b))) }))
	two := compile(t, e, built(t, name, func(b *graph.Builder) { b.Output("z", second(b, b.Input("y", between))) }))
	whole := built(t, name, func(b *graph.Builder) { b.Output("z", second(b, first(b, own(b)))) })
	both := compile(t, e, whole)
	in, _ := drawn(whole)
	kept := one.run(t, in)
	defer kept.Close()
	y := kept.Device["y"]
	host, err := y.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := read.run(t, in).Tensors["y"]; !sameBits(host.Data, want.Data) || !host.Shape.Same(want.Shape) || y.Type().String() != between.String() {
		t.Errorf("%s: what stayed on the device is something else", name)
	}
	onDevice, through := two.run(t, Inputs{"y": y}).Tensors["z"], two.run(t, Inputs{"y": host}).Tensors["z"]
	want := both.run(t, in).Tensors["z"]
	if e.device == nil { // which rounds what goes through the host
		if !sameBits(onDevice.Data, want.Data) {
			t.Errorf("%s: other bits than both in one", name)
		}
	} else if !sameBits(onDevice.Data, through.Data) {
		t.Errorf("%s: other bits than through the host", name)
	}
	if err := near(onDevice.Data, want.Data, tolerance); err != nil {
		t.Errorf("%s: not as both in one: %v", name, err)
	}
}

// read off it, and a graph picks a row of its maps there.
func TestModelPrograms(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	const tokens = 17
	everywhere(t, func(t *testing.T, e *Engine, _ float64) {
		m := load(t, e, src)
		r := Request{Outputs: []string{"attention.1", "key.1", "logits"}, Height: 32, Width: 32, Batch: 1}
		p, err := m.Compile(context.Background(), r, CompileOptions{Keep: []string{"attention.1", "key.1"}})
		if err != nil {
			t.Fatal(err)
		}
		if in := p.Inputs(); len(in) != 1 || in[0].Name != crate.InputName || in[0].Type.String() != "u8[B:1 Y:32 X:32 RGB:3]" {
			t.Errorf("inputs %v", in)
		}
		if out := p.Outputs(); len(out) != 3 || !out[0].Keep || out[2].Keep || out[0].Type.Shape.String() != "[1 3 17 17]" {
			t.Errorf("outputs %v", out)
		}
		pixels := testPicture(1, 32, 32).Pix
		want := m.runOnce(t, r, pixels)
		out := p.run(t, Inputs{crate.InputName: pixels})
		defer out.Close()
		if !sameBits(out.Tensors["logits"].Data, want["logits"].Data) {
			t.Error("other logits")
		}
		for name, x := range out.Device {
			got, err := x.Read(context.Background())
			if err != nil || !sameBits(got.Data, want[name].Data) {
				t.Errorf("%s is something else, error %v", name, err)
			}
		}
		pick := compile(t, e, built(t, "row", func(b *graph.Builder) {
			a := b.Input("attention", f32("H", 3, "rows", tokens, "keys", tokens))
			b.Output("row", b.Do(graph.OpHeadMix, nil, b.Input("which", f32("H", 3, "one", 1, "rows", tokens)), a))
		}))
		for _, row := range []int{0, 5, tokens - 1} {
			which := make([]float32, 3*tokens)
			for h := range 3 {
				which[h*tokens+row] = 1
			}
			got := pick.run(t, Inputs{"attention": out.Device["attention.1"], "which": which}).Tensors["row"]
			for h := range 3 {
				from := (h*tokens + row) * tokens
				if !sameBits(got.Data[h*tokens:(h+1)*tokens], want["attention.1"].Data[from:from+tokens]) {
					t.Errorf("row %d of head %d is another one", row, h)
				}
			}
		}
		other, err := m.Compile(context.Background(), r, CompileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		have := len(e.programs.list)
		if other.Close(); len(e.programs.list) != have-1 {
			t.Errorf("%d programs, and %d when one is closed", have, len(e.programs.list))
		}
		if _, err := other.Run(context.Background(), Inputs{crate.InputName: pixels}); !errors.Is(err, ErrProgramClosed) {
			t.Errorf("a closed program gives %v", err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(context.Background(), Inputs{crate.InputName: pixels}); !errors.Is(err, ErrModelClosed) {
			t.Errorf("the program of a closed model gives %v", err)
		}
		for range 2 {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// programs that nobody uses make room for them, and what is closed is free again.
func TestTensorMemory(t *testing.T) {
	const side = 256 // 256 kB
	g := built(t, "big", func(b *graph.Builder) {
		b.Output("y", b.Do(graph.OpScale, at{"by": 2.0}, b.Input("x", f32("a", side, "b", side))))
	})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		e := onDevice(t, info, WithMemory(4<<20))
		idle := compile(t, e, built(t, "idle", func(b *graph.Builder) {
			b.Output("y", b.Do(graph.OpReLU, nil, b.Input("x", f32("a", side, "b", side))))
		}))
		p := compile(t, e, g, "y")
		x := slices.Repeat([]float32{1}, side*side)
		var list []*Outputs
		var full error
		for full == nil && len(list) < 100 {
			var out *Outputs
			if out, full = p.Run(context.Background(), Inputs{"x": x}); full == nil {
				list = append(list, out)
			}
		}
		if !errors.Is(full, ErrOutOfMemory) || len(list) < 8 || len(list) > 15 {
			t.Fatalf("%d tensors of 256 kB in 4 MB, then %v", len(list), full)
		}
		if err := idle.use.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		idle.use.leave()
		for _, out := range list {
			out.Close()
		}
		if _, err := idle.Run(context.Background(), Inputs{"x": x}); err != nil {
			t.Errorf("the program that had made room: %v", err)
		}
		p.run(t, Inputs{"x": x}).Close()
		before, objects := e.device.VK.MemoryLeft(), e.device.VK.Live()
		for range 200 {
			p.run(t, Inputs{"x": x}).Close()
		}
		// A run that took long is split into more submissions, which have objects of their own.
		if left, now := e.device.VK.MemoryLeft(), e.device.VK.Live(); left != before || now-objects > 20 {
			t.Errorf("behind 200 runs %d bytes less and %d objects more", before-left, now-objects)
		}
	})
}

// or the error is typed, and tensors that were on the device say so.
func TestLostDeviceOfPrograms(t *testing.T) {
	first := built(t, "first", func(b *graph.Builder) {
		b.Output("y", b.Do(graph.OpLinear, nil, b.Input("x", f32("B", 1, "N", 9, "C", 8)), b.Param("w", f32("R", 8, "K", 8))))
	})
	second := built(t, "second", func(b *graph.Builder) {
		b.Output("z", b.Do(graph.OpScale, at{"by": 2.0}, b.Input("y", f32("B", 1, "N", 9, "C", 8))))
	})
	in, _ := drawn(first)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		faults := vk.NewFaults()
		defer faults.Free()
		recovered, gone := 0, 0
		var want []float32
		for call := -1; call < 24; call++ {
			e := onDevice(t, info, withFaults(faults))
			p, q := compile(t, e, first, "y"), compile(t, e, second)
			old := p.run(t, in).Device["y"]
			if call >= 0 {
				faults.Set(call, vk.DeviceLost)
			}
			var z []float32
			out, err := p.Run(context.Background(), in)
			if err == nil {
				var res *Outputs
				if res, err = q.Run(context.Background(), Inputs{"y": out.Device["y"]}); err == nil {
					z = res.Tensors["z"].Data
				}
			}
			fired := faults.Fired()
			faults.Set(-1, vk.Success)
			switch {
			case err != nil && !errors.Is(err, ErrDeviceLost):
				t.Errorf("call %d: %v", call, err)
			case call < 0:
				want = z
			case err == nil && !sameBits(z, want):
				t.Errorf("call %d: other numbers", call)
			case err == nil && fired:
				recovered++
			}
			if _, err := old.Read(context.Background()); err != nil {
				if gone++; !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), "compute it again") {
					t.Errorf("call %d: a tensor of a lost device gives %v", call, err)
				}
				device := e.device
				if _, err := q.Run(context.Background(), Inputs{"y": old}); !errors.Is(err, ErrDeviceLost) || e.device != device {
					t.Errorf("call %d: as an input it gives %v, or the device was opened again", call, err)
				}
				old.Close()
				again, err := p.Run(context.Background(), in)
				if err != nil {
					t.Errorf("call %d: on the new device: %v", call, err)
				} else if res, err := q.Run(context.Background(), Inputs{"y": again.Device["y"]}); err != nil || !sameBits(res.Tensors["z"].Data, want) {
					t.Errorf("call %d: on the new device: %v, or other numbers", call, err)
				}
			}
			e.Close()
		}
		if recovered == 0 || gone == 0 {
			t.Errorf("%d runs recovered from a lost device, %d tensors went with one", recovered, gone)
		}
	})
}

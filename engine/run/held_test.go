package run

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// textProgram is a graph without parameters on the device.
func textProgram(t *testing.T, d *Device, text string, keep ...string) *Program {
	t.Helper()
	g, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, d.Limits, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := NewWeightStore(d, nil)
	t.Cleanup(store.Close)
	pr, err := NewProgram(context.Background(), d, store, p, ProgramOptions{Slots: Slots, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pr.Close)
	return pr
}

// Two graphs of which the second takes what the first gives: doubled lies for it
// as it wants it, unit does not, and several are in as many buffers as images.
const (
	makes = `graph "makes" {
v0 = input {name="x"} : f32[B:2 N:9 C:10]
v4 = input {name="z"} : f32[B:2 N:9 C:10]
v1 = scale v4 {by=2} : f32[B:2 N:9 C:10]
v2 = unit_rows v0 {prefix=0 heads=2} : f32[B:2 N:9 C:10]
v3 = attention v0 v0 {heads=2 scale=0.5} : f32[B:2 H:2 N:9 keys:9]
output "doubled" = v1
output "unit" = v2
output "several" = v3
output "read" = v1
}`
	takes = `graph "takes" {
v0 = input {name="doubled"} : f32[B:2 N:9 C:10]
v1 = input {name="unit"} : f32[B:2 N:9 C:10]
v2 = input {name="several"} : f32[B:2 H:2 N:9 keys:9]
v3 = scale v0 {by=0.5} : f32[B:2 N:9 C:10]
v4 = scale v1 {by=4} : f32[B:2 N:9 C:10]
v5 = scale v2 {by=8} : f32[B:2 H:2 N:9 keys:9]
output "x" = v3
output "unit" = v4
output "several" = v5
}`
)

// wait runs a computer to the end.
func wait(t *testing.T, c Computer, in Inputs) (Result, error) {
	t.Helper()
	finish, err := c.Start(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return finish()
}

// numbers are some, all different.
func numbers(n int) []float32 {
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(math.Sin(float64(i)) + 2)
	}
	return list
}

// TestHeld: what a run holds is what it computed, whether the host sees the
// memory or not; another program takes it on the device where it lies as wanted,
// and through the host where not. What is used is freed behind its users, and
// nothing is left in the end.
func TestHeld(t *testing.T) {
	x := numbers(2 * 9 * 10)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		first, second := OnDevice(textProgram(t, d, makes, "doubled", "unit", "several")), OnDevice(textProgram(t, d, takes))
		all, err := wait(t, OnDevice(textProgram(t, d, makes)), Inputs{"x": {Floats: x}, "z": {Floats: x}})
		if err != nil {
			t.Fatal(err)
		}
		before := d.VK.MemoryLeft()
		for _, hide := range []bool{false, true} {
			res, err := wait(t, first, Inputs{"x": {Floats: x}, "z": {Floats: x}})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Outputs) != 1 || !slices.Equal(res.Outputs["read"].Data, all.Outputs["read"].Data) {
				t.Errorf("%d outputs are read, or others", len(res.Outputs))
			}
			in, size := Inputs{}, int64(0)
			for _, name := range []string{"doubled", "unit", "several"} {
				h := res.Held[name]
				h.hidden = hide
				if err := h.Hold(); err != nil {
					t.Fatal(err)
				}
				got, err := h.Read()
				if err != nil || !got.Shape.Same(all.Outputs[name].Shape) || !slices.Equal(got.Data, all.Outputs[name].Data) {
					t.Errorf("hidden %v: %s is not what was computed, error %v", hide, name, err)
				}
				h.Release()
				in[name], size = Input{Held: h}, size+h.Bytes()
			}
			if taken := before - d.VK.MemoryLeft(); taken != size {
				t.Errorf("%d bytes are taken, the tensors say %d", taken, size)
			}
			s := <-second.(deviceComputer).free
			if err := second.(deviceComputer).fill(s, in); err != nil || len(s.borrowed) != 1 {
				t.Errorf("error %v, or %d inputs are copied on the device, want doubled alone", err, len(s.borrowed))
			}
			s.settle(err)
			second.(deviceComputer).Release(s)
			for range 2 {
				finish, err := second.Start(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				out, err := finish()
				if err != nil {
					t.Fatal(err)
				}
				for name, by := range map[string]float32{"x": 1, "unit": 4, "several": 8} {
					for i, got := range out.Outputs[name].Data {
						want := x[i%len(x)]
						if name != "x" {
							want = by * all.Outputs[name].Data[i]
						}
						if got != want {
							t.Fatalf("element %d of %s is %g, want %g", i, name, got, want)
						}
					}
				}
			}
			finish, err := second.Start(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			closed := errors.New("closed")
			for _, h := range res.Held {
				h.Free(closed)
				h.Free(errors.New("twice"))
			}
			if _, err := finish(); err != nil {
				t.Errorf("behind Free: %v", err)
			}
			if _, err := second.Start(t.Context(), in); !errors.Is(err, closed) {
				t.Errorf("what was freed gives %v", err)
			}
			if left := d.VK.MemoryLeft(); left != before {
				t.Errorf("%d bytes are left behind", before-left)
			}
		}
	})
}

// TestLostMoves drops each submission of a run that takes an input on the device
// and leaves an output there: once is made good, twice is ErrLostWork.
func TestLostMoves(t *testing.T) {
	const text = `graph "again" {
v0 = input {name="doubled"} : f32[B:2 N:9 C:10]
v1 = scale v0 {by=0.5} : f32[B:2 N:9 C:10]
v2 = scale v1 {by=3} : f32[B:2 N:9 C:10]
output "x" = v1
output "y" = v2
}`
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := openFor(t, inst, info, "")
		first, pr := OnDevice(textProgram(t, d, makes, "doubled")), textProgram(t, d, text, "y")
		pr.pace.target, pr.pace.segments = 1<<60, 2
		c := OnDevice(pr)
		for lost := range 4 { // in, two segments, out
			for often, want := range []error{nil, nil, ErrLostWork} {
				x := numbers(2 * 9 * 10)
				for i := range x {
					x[i] += float32(lost + 7*often) // what an earlier run left would be noticed
				}
				made, err := wait(t, first, Inputs{"x": {Floats: x}, "z": {Floats: x}})
				if err != nil {
					t.Fatal(err)
				}
				times := 0
				pr.lose = func(i int) bool {
					if i == lost {
						times++
					}
					return i == lost && times <= often
				}
				for _, s := range pr.slots {
					s.segments = 0 // recorded anew
				}
				res, err := wait(t, c, Inputs{"doubled": {Held: made.Held["doubled"]}})
				if !errors.Is(err, want) {
					t.Errorf("submission %d was lost %d times: error %v", lost, often, err)
				}
				if err == nil {
					if y, err := res.Held["y"].Read(); err != nil || y.Data[5] != 3*x[5] || res.Outputs["x"].Data[7] != x[7] {
						t.Errorf("submission %d was lost %d times: other numbers, or %v", lost, often, err)
					}
				} else if res.Held != nil {
					t.Error("a run that failed holds something")
				}
				for _, h := range []*Held{made.Held["doubled"], res.Held["y"]} {
					if h != nil {
						h.Free(errors.New("closed"))
					}
				}
			}
		}
	})
}

package plan_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/graph"
)

// TestWords: words keep all their bits on the way to the device and back.
func TestWords(t *testing.T) {
	text := "plan family=plain precision=f32\ngraph \"g\" {\nv0 = input {name=\"x\"} : u32[N:1]\n}\nbuffer b0 input v0 words{elem:u32 rows:3 columns:2 group:2}\n"
	p, err := plan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l := p.Buffers[0].Layout
	if l.Bytes() != 24 {
		t.Errorf("%d bytes, want 24", l.Bytes())
	}
	in := []float64{0, 1, math.MaxUint32, 0x7f800001, 0xffc00000, 0x80000000} // among them NaNs as floats
	data, err := l.Pack(in)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, 6)
	if err := l.Unpack(out, data); err != nil {
		t.Fatal(err)
	}
	for i, x := range in {
		if got := math.Float32bits(out[i]); got != uint32(x) {
			t.Errorf("word %d is %08x, want %08x", i, got, uint32(x))
		}
	}
}

// TestReadoutPlans: the ops of masks and measures have a plan in every family,
// also where heads are padded and keys are half floats, and it prints and
// parses.
func TestReadoutPlans(t *testing.T) {
	for _, c := range [][2]int{{30, 3}, {128, 2}} {
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles, plan.Plain} {
			for _, precision := range []graph.DType{graph.F32, graph.F16} {
				b := graph.NewBuilder("readout")
				x := b.Input("x", graph.F32Type("B", 2, "N", 71, "C", c[0]))
				b.Output("zeros", b.Do(graph.OpZeroCount, nil, b.Input("y", graph.F32Type("B", 2, "N", 71, "C", 30))))
				b.Output("gram", b.Do(graph.OpHeadGram, graph.Attrs{"heads": c[1]}, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0, "heads": c[1]}, x)))
				bits := b.Do(graph.OpAffinityBits, graph.Attrs{"tau": 0.15}, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 1}, x))
				b.Output("bits", bits)
				g, err := b.Graph()
				if err != nil {
					t.Fatal(err)
				}
				p, err := plan.New(g, cpuLimits(), plan.Options{Family: family, Precision: precision})
				if err != nil {
					t.Fatalf("%v %s %s: %v", c, family, precision, err)
				}
				again, err := plan.Parse(p.String())
				if err != nil || again.String() != p.String() {
					t.Fatalf("%v %s: the plan doesn't come back from its text: %v", c, family, err)
				}
				lanes := slices.ContainsFunc(p.Dispatches, func(d plan.Dispatch) bool { return d.Kernel.Kernel.Name == "affinity_lanes" })
				if lanes != (family == plan.Lanes) {
					t.Errorf("%s: affinity_lanes is %v", family, lanes)
				}
				for _, buf := range p.Buffers {
					if v := p.Value(buf.Value); v.Op == graph.OpUnitRows && buf.Layout.Elem != graph.F32 {
						t.Errorf("%s: unit rows are %v", fmt.Sprint(family, precision), buf.Layout)
					}
				}
			}
		}
	}
}

// TestHeadsOfMaps: maps of which not one head fits are refused with what to do.
func TestHeadsOfMaps(t *testing.T) {
	lim := gpuLimits()
	lim.MaxStorageRange = 2_000_000 // of a head's 785 × 785 numbers
	_, err := plan.New(build(t, "emergence-t8", 1, "attention.1"), lim, plan.Options{})
	var limit *plan.LimitError
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), "take smaller images") {
		t.Errorf("got %v", err)
	}
}

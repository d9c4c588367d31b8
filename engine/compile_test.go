package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/prove"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
)

// at is short for attributes.
type at = graph.Attrs

// f32 is a float type with the axes given as for graph.Dims.
var f32 = graph.F32Type

// ownGraphs are graphs as embedders write them: of odd sizes, with several inputs
// and outputs, and not of the shape that models have.
var ownGraphs = map[string]func(b *graph.Builder){
	"linear": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", 7, "C", 5))
		w, bias := b.Param("w", f32("R", 6, "K", 5)), b.Param("bias", f32("R", 6))
		y := b.Do(graph.OpLinear, at{"act": "relu"}, x, w, bias)
		b.Output("y", b.Do(graph.OpLinear, nil, y, b.Param("v", f32("R", 3, "K", 6))))
	},
	"class attention": func(b *graph.Builder) {
		q := b.Input("q", f32("B", 2, "C", 15))
		k, v := b.Input("k", f32("B", 2, "N", 9, "C", 15)), b.Input("v", f32("B", 2, "N", 9, "C", 6))
		s := b.Do(graph.OpHeadDots, at{"heads": 3}, q, k)
		a := b.Do(graph.OpSoftmax, at{"scale": 0.7}, s)
		b.Output("scores", s)
		b.Output("attention", a)
		b.Output("mean", b.Do(graph.OpHeadMix, nil, a, v))
	},
	"cosine": func(b *graph.Builder) {
		k := b.Input("key", f32("B", 1, "N", 10, "C", 12))
		unit := b.Do(graph.OpUnitRows, at{"prefix": 1}, k)
		row := b.Do(graph.OpHeadMix, nil, b.Input("which", f32("B", 1, "H", 1, "N", 9)), unit)
		b.Output("map", b.Do(graph.OpHeadScores, nil, unit, row))
	},
	"row of a map": func(b *graph.Builder) {
		a := b.Input("attention", f32("H", 4, "rows", 17, "keys", 17))
		b.Output("row", b.Do(graph.OpHeadMix, nil, b.Input("which", f32("H", 4, "one", 1, "rows", 17)), a))
	},
	"pointwise": func(b *graph.Builder) {
		x, y := b.Input("x", f32("a", 3, "b", 2, "c", 5)), b.Input("y", f32("a", 3, "b", 2, "c", 5))
		s := b.Do(graph.OpAdd, nil, x, y)
		d := b.Do(graph.OpSub, nil, s, b.Param("p", f32("c", 5)))
		b.Output("product", b.Do(graph.OpMul, nil, d, y))
		b.Output("gelu", b.Do(graph.OpGELU, nil, b.Do(graph.OpScale, at{"by": 0.5}, d)))
		b.Output("soft", b.Do(graph.OpSoft, at{"threshold": 0.4}, b.Do(graph.OpReLU, nil, y)))
	},
	"one axis": func(b *graph.Builder) {
		b.Output("y", b.Do(graph.OpReLU, nil, b.Input("x", f32("C", 7))))
		b.Output("four", b.Do(graph.OpScale, at{"by": -2.0}, b.Input("z", f32("a", 2, "b", 3, "c", 2, "d", 5))))
	},
	"attention": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 2, "N", 11, "C", 10))
		n := b.Do(graph.OpLayerNorm, at{"eps": 1e-5}, x, b.Param("gain", f32("C", 10)), b.Param("bias", f32("C", 10)))
		w := b.Do(graph.OpLinear, nil, n, b.Param("u", f32("R", 10, "K", 10)))
		b.Output("maps", b.Do(graph.OpAttention, at{"heads": 2, "scale": 0.4}, w, w))
		b.Output("class", b.Do(graph.OpClassAttention, at{"heads": 2, "scale": 0.4}, w, w))
		o := b.Do(graph.OpMSSA, at{"heads": 2, "scale": 0.4}, w)
		b.Output("y", b.Do(graph.OpAdd, nil, x, b.Do(graph.OpLinear, nil, o, b.Param("o", f32("R", 10, "K", 10)))))
	},
	"axes of their own": func(b *graph.Builder) {
		t := f32("B", 1, "N", 6, "C", 12)
		for _, name := range []string{"r", "s"} { // two axes, and three that are no tokens
			x := b.Input(name, f32("B", 3, "C", 7))
			if name == "s" {
				x = b.Input(name+"2", f32("a", 2, "b", 3, "C", 7))
			}
			b.Output(name, b.Do(graph.OpLinear, at{"act": "gelu"}, x, b.Param(name, f32("R", 5, "K", 7)), b.Param(name+"bias", f32("R", 5))))
		}
		own := f32("images", 2, "pixels", 7, "colours", 8)
		p := b.Input("p", own)
		b.Output("p", b.Do(graph.OpMSSA, at{"heads": 2, "scale": 0.5}, p))
		b.Output("maps", b.Do(graph.OpAttention, at{"heads": 2, "scale": 0.5}, p, p))
		b.Output("y", b.Do(graph.OpMHSA, at{"heads": 3, "scale": 0.5}, b.Input("q", t), b.Input("k", t), b.Input("v", t)))
	},
	"rows": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 2, "N", 6, "C", 9))
		y := b.Do(graph.OpPrepend, nil, x, b.Param("class", f32("T", 1, "C", 9)))
		b.Output("selected", b.Do(graph.OpLinear, nil, b.Do(graph.OpSelect, at{"row": 2}, y), b.Param("w", f32("R", 4, "K", 9))))
		b.Output("mean", b.Do(graph.OpMeanRows, at{"first": 1}, y))
		b.Output("rest", b.Do(graph.OpDropRows, at{"first": 3}, y))
	},
	"pixels": func(b *graph.Builder) {
		x := b.Input("image", graph.Type{DType: graph.U8, Shape: graph.Dims("B", 1, "Y", 8, "X", 12, "RGB", 3)})
		n := b.Do(graph.OpNormalise, at{"mean": []float64{0.4, 0.5, 0.6}, "std": []float64{0.2, 0.3, 0.4}}, x)
		p := b.Do(graph.OpPatchify, at{"patch": 4}, n)
		b.Output("y", b.Do(graph.OpLinear, nil, p, b.Param("w", f32("R", 5, "K", 48))))
	},
	"affinity": func(b *graph.Builder) {
		u := b.Do(graph.OpUnitRows, at{"prefix": 0}, b.Input("x", f32("B", 1, "N", 37, "C", 8)))
		b.Output("bits", b.Do(graph.OpAffinityBits, at{"tau": 0.1}, u))
	},
	"gram": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", 9, "C", 10))
		b.Output("gram", b.Do(graph.OpHeadGram, at{"heads": 2}, b.Do(graph.OpUnitRows, at{"prefix": 0, "heads": 2}, x)))
		b.Output("zeros", b.Do(graph.OpZeroCount, nil, b.Do(graph.OpReLU, nil, b.Input("z", f32("B", 1, "N", 9, "C", 10)))))
	},
	"nothing to do": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", 5, "C", 6))
		b.Output("same", x)
		b.Output("again", x)
		b.Input("unused", f32("C", 3))
		b.Output("words", b.Input("words", graph.Type{DType: graph.U32, Shape: graph.Dims("a", 2, "b", 3)}))
	},
	"steps": func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", 6, "C", 8))
		y := b.Do(graph.OpISTA, at{"step": 0.1, "threshold": 0.1}, x, b.Param("d", f32("C", 8, "C", 8)))
		z := b.Do(graph.OpODL, at{"step": 0.1, "threshold": 0.1}, y, b.Param("e", f32("C", 8, "R", 12)), b.Param("f", f32("C", 8, "R", 12)))
		b.Output("y", b.Do(graph.OpAdd, nil, y, z))
	},
}

// built is a graph of the table.
func built(t *testing.T, name string, build func(b *graph.Builder)) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder(name)
	build(b)
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// compile makes a program for a test.
func compile(t *testing.T, e *Engine, g *graph.Graph, keep ...string) *Program {
	t.Helper()
	p, err := e.Compile(context.Background(), g, prove.RandomParams(g), CompileOptions{Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// drawn are inputs of a graph, as Run and as the interpreter take them.
func drawn(g *graph.Graph) (Inputs, map[string]*interp.Tensor) {
	in, ref := Inputs{}, prove.RandomInputs(g)
	for _, v := range g.Values {
		if v.Op != graph.OpInput {
			continue
		}
		name, x := v.Str("name"), ref[v.Str("name")]
		switch v.Type.DType {
		case graph.U8:
			var list []byte
			for _, f := range x.Data {
				list = append(list, byte(f))
			}
			in[name] = list
		case graph.U32:
			var list []uint32
			for i := range x.Data {
				x.Data[i] = float64(0xfff00000 + uint32(i)) // NaN, as float32
				list = append(list, uint32(x.Data[i]))
			}
			in[name] = list
		default:
			var list []float32
			for _, f := range x.Data {
				list = append(list, float32(f))
			}
			in[name] = list
		}
	}
	return in, ref
}

// everywhere runs f on engines of every kind: devices with each family of
// kernels and precision that they have, and the interpreter.
func everywhere(t *testing.T, f func(t *testing.T, e *Engine, tolerance float64)) {
	t.Run("interpreter", func(t *testing.T) {
		e, err := Open(context.Background(), WithDevice(Interpreter))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e, 1e-6)
	})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles, plan.Plain} {
			for _, precision := range []Precision{FP32, FP16} {
				if precision == FP16 && !info.Storage16 {
					continue
				}
				t.Run(fmt.Sprintf("%s %s", family, precision), func(t *testing.T) {
					e, err := Open(context.Background(), WithDevice("uuid:"+info.UUID), withFamily(family), WithPrecision(precision))
					if err != nil {
						t.Fatal(err)
					}
					defer e.Close()
					f(t, e, map[Precision]float64{FP32: goldenTolerance, FP16: 1e-2}[precision])
				})
			}
		}
	})
}

// TestOwnGraphs holds graphs of an embedder's own against the interpreter, with
// the self-tests of their kernels, and leaves them as they were.
func TestOwnGraphs(t *testing.T) {
	everywhere(t, func(t *testing.T, e *Engine, tolerance float64) {
		for _, name := range slices.Sorted(maps.Keys(ownGraphs)) {
			g := built(t, name, ownGraphs[name])
			before := g.String()
			p, err := e.Compile(context.Background(), g, prove.RandomParams(g), CompileOptions{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if g.String() != before {
				t.Errorf("%s was changed", name)
			}
			in, ref := drawn(g)
			want, err := interp.Run(context.Background(), g, run.Typed(prove.RandomParams(g)), ref)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				out, err := p.Run(context.Background(), in)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					break
				}
				if len(out.Tensors) != len(g.Outputs) || len(out.Device) != 0 {
					t.Errorf("%s gives %d and %d outputs, want %d", name, len(out.Tensors), len(out.Device), len(g.Outputs))
				}
				for _, o := range g.Outputs {
					got := out.Tensors[o.Name]
					if !got.Shape.Same(o.Value.Shape()) {
						t.Errorf("%s: %s is %v, want %v", name, o.Name, got.Shape, o.Value.Shape())
					}
					if err := agrees(o.Value, got, want[o.Name].Data, tolerance); err != nil {
						t.Errorf("%s: %s: %v", name, o.Name, err)
					}
				}
			}
			p.Close()
		}
	})
}

// agrees is near, and for words that all but a few bits are the same.
func agrees(v *graph.Value, got *Tensor, want []float64, tolerance float64) error {
	if v.Type.DType == graph.U32 {
		return sameWords(got.Data, want)
	}
	return near(got.Data, want, tolerance)
}

func sameWords(got []float32, want []float64) error {
	wrong := 0
	for i, w := range want {
		wrong += bits.OnesCount32(math.Float32bits(got[i]) ^ uint32(w))
	}
	if len(got) != len(want) || wrong > 2+len(want)/10 { // a product may lie within rounding of the threshold
		return fmt.Errorf("%d bits of %d and %d words differ", wrong, len(got), len(want))
	}
	return nil
}

// TestBrokenGraphs changes graphs at random: each is refused or runs, and none
// makes the engine's own code panic.
func TestBrokenGraphs(t *testing.T) {
	e := onReference(t)
	r := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(ownGraphs)) {
		for range 150 {
			g := built(t, name, ownGraphs[name])
			for range 1 + r.IntN(3) {
				broken(r, g)
			}
			params := func(string) ([]float64, error) { return make([]float64, 40), nil }
			if graph.Check(g) == nil {
				params = prove.RandomParams(g)
			}
			p, err := e.Compile(context.Background(), g, params, CompileOptions{})
			var caught *PanicError
			if errors.As(err, &caught) {
				t.Fatalf("%v\n%s", err, caught.Stack)
			}
			if err != nil {
				refused++
				continue
			}
			in, _ := drawn(g)
			if _, err := p.Run(context.Background(), in); err != nil {
				t.Logf("%s: %v", name, err)
			}
			p.Close()
		}
	}
	t.Logf("%d are refused", refused)
}

// broken changes one thing in a graph.
func broken(r *rand.Rand, g *graph.Graph) {
	k := r.IntN(len(g.Values))
	v := g.Values[k]
	if v == nil {
		return
	}
	switch r.IntN(8) {
	case 0:
		v.Op = graph.Op(r.IntN(60))
	case 1:
		if len(v.Args) > 0 {
			v.Args[r.IntN(len(v.Args))] = g.Values[r.IntN(len(g.Values))]
		}
	case 2:
		if len(v.Args) > 0 {
			v.Args = v.Args[:r.IntN(len(v.Args))]
		}
	case 3:
		if n := len(v.Type.Shape); n > 0 {
			v.Type.Shape[r.IntN(n)].Size = []int{-1, 0, 1, 1 << 40, 5}[r.IntN(5)]
		}
	case 4:
		v.Type.DType = graph.DType(r.IntN(7))
	case 5:
		for name := range v.Attrs {
			v.Attrs[name] = []any{0, -1, 1 << 50, 0.5, math.NaN(), "x", []float64{}, nil}[r.IntN(8)]
		}
	case 6:
		g.Values[k] = nil
	case 7:
		g.Outputs[r.IntN(len(g.Outputs))].Value = v
	}
}

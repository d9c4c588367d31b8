package engine

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// run is Run for a test.
func (p *Program) run(t *testing.T, in Inputs) *Outputs {
	t.Helper()
	out, err := p.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// chains are two graphs of which the second takes outputs of the first, by name,
// TestChains: a tensor that stays on the device is what it is when it goes
// through the host, bit for bit, and two programs compute what their graphs do as
// TestModelPrograms: a model's tensors that stay on the device are those that are
// TestRefusedGraphs: what can't be run is an error that says why.
func TestRefusedGraphs(t *testing.T) {
	x := func(b *graph.Builder) *graph.Value { return b.Input("x", f32("B", 1, "N", 3, "C", 4)) }
	made := func(build func(b *graph.Builder)) *graph.Graph { return built(t, "mine", build) }
	fine := func(b *graph.Builder) {
		b.Output("y", b.Do(graph.OpLinear, nil, x(b), b.Param("w", f32("R", 2, "K", 4))))
	}
	twice := made(fine)
	twice.Outputs = append(twice.Outputs, twice.Outputs[0])
	foreign := made(fine)
	foreign.Values[2].Args[0] = made(fine).Values[0]
	unknown := made(fine)
	unknown.Values[2].Op = graph.Op(250)
	hole := made(fine)
	hole.Values[1] = nil
	flat := made(fine)
	flat.Values[0].Type.Shape[1].Size = 0
	odd := made(fine)
	odd.Values[0].Type.DType = 77
	words := func(t graph.DType) graph.Type { return graph.Type{DType: t, Shape: graph.Dims("a", 2, "b", 3)} }
	params := func(string) ([]float64, error) { return make([]float64, 8), nil }
	for what, c := range map[string]struct {
		g      *graph.Graph
		params Params
		keep   []string
		want   string
	}{
		"nil":     {nil, params, nil, "there is none"},
		"zero":    {&graph.Graph{}, params, nil, "no output"},
		"twice":   {twice, params, nil, "two outputs"},
		"foreign": {foreign, params, nil, "does not stand before it"},
		"unknown": {unknown, params, nil, "no operation"},
		"hole":    {hole, params, nil, "value 1 is nil"},
		"flat":    {flat, params, nil, "[1 0 4]"},
		"odd":     {odd, params, nil, "no element type"},
		"keep":    {made(fine), params, []string{"z"}, `no output "z" to keep: there are y`},
		"static":  {made(func(b *graph.Builder) { b.Output("w", b.Do(graph.OpReLU, nil, b.Param("w", f32("C", 8)))) }), params, nil, "no input has a part in it"},
		"no kernel": {made(func(b *graph.Builder) {
			a := b.Input("a", f32("C", 3, "C", 3))
			b.Output("y", b.Do(graph.OpMatMul, nil, a, a))
		}), params, nil, "no kernel"},
		"float16":         {made(func(b *graph.Builder) { b.Output("y", b.Do(graph.OpReLU, nil, b.Input("a", words(graph.F16)))) }), params, nil, `input "a"`},
		"words":           {made(func(b *graph.Builder) { b.Output("y", b.Do(graph.OpReLU, nil, b.Input("a", words(graph.U32)))) }), params, nil, "only pixels"},
		"bytes out":       {made(func(b *graph.Builder) { b.Output("y", b.Input("a", words(graph.U8))) }), params, nil, `output "y"`},
		"word parameter":  {made(func(b *graph.Builder) { x(b); b.Output("y", b.Do(graph.OpReLU, nil, b.Param("a", words(graph.U32)))) }), params, nil, "want f32"},
		"no parameters":   {made(fine), nil, nil, `"w"`},
		"missing":         {made(fine), func(string) ([]float64, error) { return nil, errors.New("no such thing") }, nil, "no such thing"},
		"short":           {made(fine), func(string) ([]float64, error) { return make([]float64, 7), nil }, nil, "has 7 elements, want 8"},
		"not a number":    {made(fine), func(string) ([]float64, error) { return []float64{0, 0, 0, math.NaN(), 0, 0, 0, 0}, nil }, nil, "element 3 is NaN"},
		"infinite":        {made(fine), func(string) ([]float64, error) { return []float64{math.Inf(1), 0, 0, 0, 0, 0, 0, 0}, nil }, nil, "element 0 is +Inf"},
		"panic":           {made(fine), func(string) ([]float64, error) { panic("broken") }, nil, "panic: broken"},
		"ended goroutine": {made(fine), func(string) ([]float64, error) { runtime.Goexit(); return nil, nil }, nil, "Goexit"},
	} {
		t.Run(what, func(t *testing.T) {
			check := func(t *testing.T, e *Engine) {
				p, err := e.Compile(context.Background(), c.g, c.params, CompileOptions{Keep: c.keep})
				var refused *GraphError
				if p != nil || !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) || c.g != nil && refused.Name != c.g.Name {
					t.Errorf("gives %v, want %q", err, c.want)
				}
				var caught *PanicError
				if errors.As(err, &caught) != (what == "panic") {
					t.Errorf("gives %v: a *PanicError", err)
				}
			}
			check(t, onReference(t))
			devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { check(t, onDevice(t, info)) })
		})
	}
}

// TestWrongInputs: the error names the input and what is wanted.
func TestWrongInputs(t *testing.T) {
	g := built(t, "sum", func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", 3, "C", 4))
		b.Output("y", b.Do(graph.OpAdd, nil, x, b.Input("z", f32("B", 1, "N", 3, "C", 4))))
		b.Output("words", b.Input("w", graph.Type{DType: graph.U32, Shape: graph.Dims("C", 2)}))
	})
	check := func(t *testing.T, e, other *Engine) {
		p := compile(t, e, g, "y")
		good := func() Inputs { return Inputs{"x": make([]float32, 12), "z": make([]float32, 12), "w": []uint32{7, 9}} }
		kept := p.run(t, good())
		defer kept.Close()
		closed := p.run(t, good())
		closed.Close()
		if err := closed.Close(); err != nil {
			t.Error(err)
		}
		foreign := compile(t, other, g, "y").run(t, good())
		words := compile(t, e, built(t, "words", func(b *graph.Builder) {
			b.Output("w", b.Input("w", graph.Type{DType: graph.U32, Shape: graph.Dims("C", 2)}))
		}), "w").run(t, Inputs{"w": []uint32{1, 2}})
		defer words.Close()
		for what, c := range map[string]struct {
			name string
			x    any
			want string
		}{
			"unknown":        {"q", make([]float32, 12), `no input "q": there are x, z, w`},
			"missing":        {"x", nil, `input "x" is missing: want f32[B:1 N:3 C:4]`},
			"short":          {"x", make([]float32, 11), `input "x": has 11 elements, want 12`},
			"bytes":          {"x", make([]byte, 12), `input "x": has elements of type u8, want f32`},
			"float64":        {"x", make([]float64, 12), `input "x": is a []float64, want f32[B:1 N:3 C:4]`},
			"floats":         {"w", make([]float32, 2), `input "w": has elements of type f32, want u32`},
			"shape":          {"x", &Tensor{Shape: graph.Dims("N", 4, "C", 3), Data: make([]float32, 12)}, `input "x": is [4 3], want f32[B:1 N:3 C:4]`},
			"short tensor":   {"x", &Tensor{Shape: graph.Dims("N", 3, "C", 4), Data: make([]float32, 11)}, `input "x": has 11 elements`},
			"no tensor":      {"x", (*Tensor)(nil), `input "x": the tensor is nil`},
			"no device":      {"x", (*DeviceTensor)(nil), `input "x": the tensor is nil`},
			"not a number":   {"z", []float32{0, 0, float32(math.NaN()), 0, 0, 0, 0, 0, 0, 0, 0, 0}, `input "z": element 2 is NaN`},
			"infinite":       {"z", &Tensor{Shape: graph.Dims("N", 3, "C", 4), Data: append(make([]float32, 11), float32(math.Inf(-1)))}, `input "z": element 11 is -Inf`},
			"other engine's": {"x", foreign.Device["y"], `input "x": the tensor is on another engine's device`},
			"closed":         {"x", closed.Device["y"], `input "x": the tensor is closed`},
			"words":          {"x", words.Device["w"], `input "x": has elements of type u32, want f32`},
			"no words":       {"w", kept.Device["y"], `input "w": has elements of type f32, want u32`},
		} {
			in := good()
			if in[c.name] = c.x; c.x == nil {
				delete(in, c.name)
			}
			if _, err := p.Run(context.Background(), in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s gives %v, want %q", what, err, c.want)
			}
		}
		in := good()
		in["x"], in["z"], in["w"] = &Tensor{Shape: graph.Dims("N", 3, "one", 1, "C", 4), Data: make([]float32, 12)}, kept.Device["y"], words.Device["w"]
		out := p.run(t, in)
		defer out.Close()
		if got := out.Tensors["words"].Data; math.Float32bits(got[0]) != 1 || math.Float32bits(got[1]) != 2 {
			t.Errorf("words %v", got)
		}
		in["w"] = out.Tensors["words"] // as read
		if got := p.run(t, in).Tensors["words"].Data; math.Float32bits(got[1]) != 2 {
			t.Errorf("words %v", got)
		}
	}
	check(t, onReference(t), onReference(t))
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { check(t, onDevice(t, info), onDevice(t, info)) })
	t.Run("float16", func(t *testing.T) {
		devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
			if !info.Storage16 {
				t.Skip("the device has no 16-bit storage")
			}
			p := compile(t, onDevice(t, info, WithPrecision(FP16)), g)
			in := Inputs{"x": append(make([]float32, 11), 1e6), "z": make([]float32, 12), "w": []uint32{7, 9}}
			if _, err := p.Run(context.Background(), in); err == nil || !strings.Contains(err.Error(), `input "x": element 11 is 1e+06, which float16 does not hold`) {
				t.Errorf("gives %v", err)
			}
		})
	})
}

// TestProgramConcurrently runs one program from sixteen goroutines, some of which
// give up: the others' results are theirs, and nothing is left of those.
func TestProgramConcurrently(t *testing.T) {
	const n = 96
	g := built(t, "squares", func(b *graph.Builder) {
		x := b.Input("x", f32("B", 1, "N", n, "C", n))
		y := b.Do(graph.OpMul, nil, x, x)
		b.Output("y", y)
		b.Output("kept", b.Do(graph.OpScale, at{"by": 2.0}, y))
	})
	check := func(t *testing.T, e *Engine) {
		p := compile(t, e, g, "kept")
		left := func() int64 {
			if e.device == nil {
				return 0
			}
			return e.device.VK.MemoryLeft()
		}
		before := left()
		var gaveUp, wrong atomic.Int32
		var wg sync.WaitGroup
		for k := range 16 {
			wg.Go(func() {
				x := slices.Repeat([]float32{float32(k)}, n*n)
				for i := range 12 {
					ctx, cancel := context.WithCancel(context.Background())
					if k%3 == 0 {
						ctx, cancel = context.WithTimeout(context.Background(), time.Duration(i)*300*time.Microsecond)
					}
					out, err := p.Run(ctx, Inputs{"x": x})
					cancel()
					switch {
					case errors.Is(err, context.DeadlineExceeded):
						gaveUp.Add(1)
						continue
					case err != nil:
						t.Error(err)
						return
					}
					kept, err := out.Device["kept"].Read(context.Background())
					if err != nil || out.Tensors["y"].Data[n] != float32(k*k) || kept.Data[n*n-1] != float32(2*k*k) {
						wrong.Add(1)
					}
					out.Close()
				}
			})
		}
		wg.Wait()
		if gaveUp.Load() == 0 || wrong.Load() > 0 {
			t.Errorf("%d gave up; %d results are wrong", gaveUp.Load(), wrong.Load())
		}
		p.Close() // which waits for those that were given up
		if e.device != nil && left() < before {
			t.Errorf("%d bytes are left behind", before-left())
		}
	}
	check(t, onReference(t))
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) { check(t, onDevice(t, info)) })
}

// TestClosedPrograms: closing ends what runs, twice is fine, and what stayed on
// the device outlives its program and not its engine.
func TestClosedPrograms(t *testing.T) {
	g := built(t, "scale", func(b *graph.Builder) {
		b.Output("y", b.Do(graph.OpScale, at{"by": 2.0}, b.Input("x", f32("B", 1, "N", 64, "C", 64))))
	})
	check := func(t *testing.T, open func() *Engine) {
		for what, want := range map[string]error{"program": ErrProgramClosed, "engine": ErrClosed} {
			e := open()
			p, q := compile(t, e, g, "y"), compile(t, e, g)
			x := slices.Repeat([]float32{3}, 64*64)
			kept := p.run(t, Inputs{"x": x}).Device["y"] // is not closed
			var wg sync.WaitGroup
			started := make(chan bool, 100)
			for range 4 {
				wg.Go(func() {
					for {
						out, err := p.Run(context.Background(), Inputs{"x": x})
						if err != nil {
							if !errors.Is(err, want) {
								t.Errorf("closed %s: %v", what, err)
							}
							return
						}
						out.Close()
						select {
						case started <- true:
						default:
						}
					}
				})
			}
			<-started
			closing := p.Close
			if what == "engine" {
				closing = e.Close
			}
			for range 2 {
				if err := closing(); err != nil {
					t.Error(err)
				}
			}
			wg.Wait()
			if _, err := p.Run(context.Background(), Inputs{"x": x}); !errors.Is(err, want) {
				t.Errorf("closed %s: %v", what, err)
			}
			got, err := kept.Read(context.Background())
			out, failed := q.Run(context.Background(), Inputs{"x": kept})
			switch {
			case what == "engine":
				if !errors.Is(err, ErrClosed) || !errors.Is(failed, ErrClosed) {
					t.Errorf("closed engine: the tensor gives %v and %v", err, failed)
				}
				if _, err := e.Compile(context.Background(), g, nil, CompileOptions{}); !errors.Is(err, ErrClosed) {
					t.Errorf("Compile gives %v", err)
				}
			case err != nil || failed != nil || got.Data[70] != 6 || out.Tensors["y"].Data[70] != 12:
				t.Errorf("closed program: the tensor gives %v and %v", err, failed)
			}
			for range 2 {
				kept.Close()
			}
			if _, err := kept.Read(context.Background()); what == "program" && !errors.Is(err, ErrTensorClosed) {
				t.Errorf("a closed tensor gives %v", err)
			}
		}
	}
	check(t, func() *Engine { return onReference(t) })
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		check(t, func() *Engine { return onDevice(t, info) })
	})
	var none *Program
	var nothing *DeviceTensor
	if none.Close() != nil || nothing.Close() != nil || (*Outputs)(nil).Close() != nil {
		t.Error("closing nothing")
	}
}

// TestTensorMemory: tensors that stay on the device count against its memory,
// TestLostDeviceOfPrograms makes Vulkan calls of a chain of programs fail with a
// lost device, one after another: runs whose inputs are the host's come through,
// TestSimulatedProgram: a simulated device runs programs, too, and who gives up
// does not wait for it.
func TestSimulatedProgram(t *testing.T) {
	g := built(t, "cosine", ownGraphs["cosine"])
	in, _ := drawn(g)
	simulated := func(delay time.Duration) (*Engine, *Program) {
		e, err := Open(context.Background(), withSimulatedDevice(delay))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return e, compile(t, e, g, "map")
	}
	_, fast := simulated(time.Millisecond)
	out := fast.run(t, in)
	if x, err := out.Device["map"].Read(context.Background()); err != nil || x.Shape.String() != "[1 1 9]" {
		t.Errorf("gives %v, %v", x, err)
	}
	e, slow := simulated(2 * time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := slow.Run(ctx, in); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("behind %v of a run of 2 s: %v", time.Since(start), err)
	}
	slow.Close() // waits for the run that was given up
	m := load(t, e, oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32}))
	p, err := m.Compile(context.Background(), Request{Outputs: []string{"logits"}, Height: 32, Width: 32, Batch: 1}, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { p.Close() })
	if _, err := p.Run(context.Background(), Inputs{crate.InputName: testPicture(0, 32, 32).Pix}); !errors.Is(err, ErrProgramClosed) {
		t.Errorf("a model's program that is closed as it runs gives %v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.tensors) != 0 {
		t.Error("what nobody got is kept")
	}
}

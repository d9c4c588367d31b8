package engine

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
)

// onEach opens an engine on the interpreter and on each device, with each family of
// kernels; few says that the device is one that takes long to compile kernels.
func onEach(t *testing.T, f func(t *testing.T, e *Engine, few bool)) {
	t.Run("interpreter", func(t *testing.T) { f(t, onReference(t), false) })
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		slow := strings.Contains(info.Name, "SwiftShader")
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles} {
			t.Run(string(family), func(t *testing.T) { f(t, onDevice(t, info, withFamily(family)), slow) })
		}
	})
}

// spoilt is a small model that computes what is no number.
type spoilt struct {
	config func(c *crate.Config)
	tensor string  // of which all elements are multiplied
	by     float64 // with that
	last   bool    // in the last block, which only its own read-outs see
	double bool    // float64 holds all of it
	want   []string
}

func spoiltModels() map[string]spoilt {
	return map[string]spoilt{
		"step":   {config: func(c *crate.Config) { c.Eta = 1e37 }, tensor: "transformer.layers.0.1.fn.weight", by: 100, want: []string{"transformer.layers.0.1.fn.weight"}},
		"std":    {config: func(c *crate.Config) { c.Mean[1], c.Std[1] = -2, 4e-39 }, want: []string{`normalise of input "image"`, "1/std", "2.5e+38"}},
		"weight": {tensor: "transformer.layers.0.0.fn.qkv.weight", by: 1e38, want: []string{"transformer.layers.0.0.fn.qkv.weight"}},
		"square": {tensor: "pos_embedding", by: 1e25, double: true, want: []string{"pos_embedding"}},
		"last":   {tensor: "transformer.layers.2.1.fn.weight", by: 1e30, last: true, want: []string{"transformer.layers.2.1.fn.weight"}},
	}
}

func (s spoilt) source(t *testing.T) *ModelSource {
	c := devicetest.OddConfig(t, 40, 40, 2, 3, 8, [2]int{32, 24})
	if s.config != nil {
		s.config(&c)
	}
	random := c.RandomParams(5)
	return NewModelSource("spoilt", c, "none", func(name string) ([]float64, error) {
		x, err := random(name)
		if name == s.tensor {
			for i := range x {
				x[i] *= s.by
			}
		}
		return x, err
	})
}

// TestNotFinite runs every read-out of models whose constants, input statistics or
// weights are such that results are no numbers: the error names the first operation of
// that kind and the likely cause, and no result is given.
func TestNotFinite(t *testing.T) {
	onEach(t, func(t *testing.T, e *Engine, few bool) {
		for name, s := range spoiltModels() {
			if few && name != "weight" || s.double && e.info.Reference() {
				continue
			}
			m := load(t, e, s.source(t))
			check := func(what string, err error) {
				t.Helper()
				var bad *NotFiniteError
				// Where what is made of weights overflows, the model is refused.
				if !errors.As(err, &bad) && !errors.As(err, new(*ModelError)) || errors.Is(err, ErrLostWork) {
					t.Errorf("%s, %s: error %v, want a NotFiniteError", name, what, err)
					return
				}
				for _, want := range s.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s, %s: error %q, want %q in it", name, what, err, want)
					}
				}
			}
			ctx, imgs := context.Background(), pictures(2)
			_, err := Analyze(AnalyzeOptions{}).Batch(ctx, m, imgs)
			check("analyze", err)
			_, err = Classify(ClassifyOptions{}).Batch(ctx, m, imgs)
			check("classify", err)
			_, err = Embed(EmbedOptions{Pool: PoolMean}).Batch(ctx, m, imgs)
			check("embed", err)
			p, err := m.Compile(ctx, Request{Outputs: []string{"zeros.2"}, Height: 32, Width: 24, Batch: 1}, CompileOptions{})
			if err == nil {
				_, err = p.Run(ctx, Inputs{crate.InputName: devicetest.Pixels(32, 24, 1)})
			}
			check("a program", err)
			_, err = MaskCut(MaskCutOptions{Layer: new(1)}).Batch(ctx, m, imgs)
			if !s.last {
				check("maskcut", err)
			}
			if s.last || few {
				continue
			}
			_, err = Attention(AttentionOptions{}).Batch(ctx, m, imgs)
			check("attention", err)
			_, err = MaskCut(MaskCutOptions{Inputs: true}).Batch(ctx, m, imgs)
			check("maskcut of inputs", err)
			_, err = TokenCut(TokenCutOptions{}).Batch(ctx, m, imgs)
			check("tokencut", err)
			_, err = FeaturesOf(FeatureOptions{}).Batch(ctx, m, imgs)
			check("features", err)
			_, err = Parts(PartsOptions{}).Batch(ctx, m, imgs)
			check("parts", err)
		}
	})
}

// TestNotFiniteKeys: separate keys that are no numbers change attention, whose values
// are numbers all the same.
func TestNotFiniteKeys(t *testing.T) {
	g := built(t, "keys", func(b *graph.Builder) {
		x, v := b.Input("x", graph.F32Type("B", 1, "N", 40, "C", 32)), b.Input("v", graph.F32Type("B", 1, "N", 40, "C", 32))
		k := b.Do(graph.OpScale, graph.Attrs{"by": 1e30}, b.Do(graph.OpScale, graph.Attrs{"by": 1e30}, x))
		b.Output("queries", b.Do(graph.OpMHSA, graph.Attrs{"heads": 2, "scale": 0.25}, k, x, v))
		b.Output("keys", b.Do(graph.OpMHSA, graph.Attrs{"heads": 2, "scale": 0.25}, x, k, v))
	})
	onEach(t, func(t *testing.T, e *Engine, _ bool) {
		p := compile(t, e, g)
		in, _ := drawn(g)
		_, err := p.Run(context.Background(), in)
		var bad *NotFiniteError
		if !errors.As(err, &bad) || !strings.Contains(bad.Tensor, "scale of") || !strings.Contains(bad.Cause, "1e+30") {
			t.Errorf("error %v, want a NotFiniteError that names scale", err)
		}
	})
}

// TestHalfOverflow: what float16 does not hold is refused when it is loaded, or named
// with the precision that holds it.
func TestHalfOverflow(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if !info.Storage16 {
			t.Skip("no 16-bit storage")
		}
		e := onDevice(t, info, WithPrecision(FP16))
		huge := spoilt{tensor: "mlp_head.1.weight", by: 1e7}
		_, err := e.Load(context.Background(), huge.source(t))
		if !errors.As(err, new(*ModelError)) || !strings.Contains(err.Error(), huge.tensor) || !strings.Contains(err.Error(), "--precision fp32") {
			t.Errorf("error %v, want a ModelError that names %s", err, huge.tensor)
		}
		// Each weight fits; gain times weight does not, nor what they give.
		folded := spoilt{tensor: "transformer.layers.0.0.norm.weight", by: 60000}
		_, err = Classify(ClassifyOptions{}).Batch(context.Background(), load(t, e, folded.source(t)), pictures(1))
		if err == nil || !strings.Contains(err.Error(), folded.tensor) || !strings.Contains(err.Error(), "--precision fp32") {
			t.Errorf("error %v, want one that names %s", err, folded.tensor)
		}
		values := spoilt{tensor: "transformer.layers.0.0.fn.to_out.0.bias", by: 1}
		src := values.source(t)
		src.params = func(read Params) Params {
			return func(name string) ([]float64, error) {
				x, err := read(name)
				if name == values.tensor {
					for i := range x {
						x[i] = 60000
					}
				}
				if name == "pos_embedding" {
					for i := range x {
						x[i] += 30000
					}
				}
				return x, err
			}
		}(src.params)
		_, err = Classify(ClassifyOptions{}).Batch(context.Background(), load(t, e, src), pictures(1))
		var bad *NotFiniteError
		if !errors.As(err, &bad) || !strings.Contains(bad.Cause, "--precision fp32") {
			t.Errorf("error %v, want a NotFiniteError that names fp32", err)
		}
	})
}

// TestNotExplained: where the interpreter's numbers are finite it is the device that
// did not do its work; and finding that out ends with the context.
func TestNotExplained(t *testing.T) {
	e := onReference(t)
	m := load(t, e, spoilt{}.source(t))
	g, err := readout.Build(&m.config, Request{Outputs: []string{"logits"}, Height: 32, Width: 24, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.leave()
	in := run.Inputs{crate.InputName: {Bytes: devicetest.Pixels(32, 24, 1)}}
	lost := error(&run.NotFiniteError{Fact: "element 3 of logits is NaN"})
	if err := m.explained(t.Context(), lost, g, in); err != lost || !errors.Is(err, ErrLostWork) {
		t.Errorf("error %v, want %v", err, lost)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errMine)
	if err := m.explained(ctx, lost, g, in); !errors.Is(err, errMine) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

var errMine = errors.New("mine")

// TestConfigFinite refuses constants that float32 does not hold.
func TestConfigFinite(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e39} {
		for name, set := range map[string]func(c *crate.Config){
			"eta": func(c *crate.Config) { c.Eta = x }, "lambda": func(c *crate.Config) { c.Lambda = x }, "mean": func(c *crate.Config) { c.Mean[2] = x },
			"std": func(c *crate.Config) { c.Std[0] = x }, "ln_eps": func(c *crate.Config) { c.FinalEps = x },
		} {
			_, err := onReference(t).Load(context.Background(), spoilt{config: set}.source(t))
			if !errors.As(err, new(*ModelError)) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %v: error %v, want a ModelError that names it", name, x, err)
			}
		}
	}
}

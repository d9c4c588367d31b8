package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// oddModel is a CRATE of unusual shape, with random weights.
func oddModel(t *testing.T, dim, inner, heads, depth, patch int, size [2]int) *ModelSource {
	t.Helper()
	c := devicetest.OddConfig(t, dim, inner, heads, depth, patch, size)
	return NewModelSource(fmt.Sprintf("odd %d/%d/%d", dim, inner, heads), c, "none", c.RandomParams(5))
}

// onDevice opens an engine on a device for a test.
func onDevice(t *testing.T, info vk.Info, opts ...Option) *Engine {
	t.Helper()
	e, err := Open(context.Background(), append([]Option{WithDevice("uuid:" + info.UUID), withoutSelfTest()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// onReference opens an engine on the interpreter for a test.
func onReference(t *testing.T, opts ...Option) *Engine {
	t.Helper()
	e, err := Open(context.Background(), append([]Option{WithDevice(Interpreter)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func (m *Model) runOnce(t *testing.T, r Request, pixels []byte) map[string]*Tensor {
	t.Helper()
	out, err := m.runRequest(context.Background(), r, pixels)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (m *Model) runRequest(ctx context.Context, r Request, pixels []byte) (map[string]*Tensor, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.leave()
	p, done, err := m.program(ctx, r)
	if err != nil {
		return nil, err
	}
	defer done()
	wait, err := m.start(ctx, p, "", r.Batch, run.Inputs{crate.InputName: {Bytes: pixels}})
	if err != nil {
		return nil, err
	}
	res, err := wait()
	return res.Outputs, err
}

func reference(t *testing.T, src *ModelSource, r Request, pixels []byte) map[string]*interp.Tensor {
	t.Helper()
	g, err := readout.Graph(&src.Config, r, pass.Options{Without: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	in := interp.NewTensor(graph.Dims("B", r.Batch, "Y", r.Height, "X", r.Width, "RGB", 3))
	for i, x := range pixels {
		in.Data[i] = float64(x)
	}
	out, err := interp.Run(context.Background(), g, run.Typed(src.params), map[string]*interp.Tensor{crate.InputName: in})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func load(t *testing.T, e *Engine, src *ModelSource) *Model {
	t.Helper()
	copied := *src // which a model that is closed does not close
	copied.life = &sourceLife{verify: copied.readAll}
	m, err := e.Load(context.Background(), &copied)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOddModels runs shapes that no tile likes: widths and head sizes that are
// no multiple of four or no power of two, one head, 785 tokens, other grids.
func TestOddModels(t *testing.T) {
	sources := []*ModelSource{
		oddModel(t, 50, 30, 3, 2, 4, [2]int{12, 20}),   // heads of 10, width 50
		oddModel(t, 36, 36, 3, 2, 8, [2]int{24, 40}),   // heads of 12
		oddModel(t, 35, 35, 5, 2, 8, [2]int{16, 16}),   // heads of 7, nothing a multiple of four
		oddModel(t, 48, 48, 1, 2, 8, [2]int{32, 32}),   // one head a tile
		oddModel(t, 80, 160, 2, 2, 16, [2]int{64, 48}), // heads of 80, wider than the model
		oddModel(t, 24, 24, 2, 2, 8, [2]int{224, 224}), // 785 tokens
		oddModel(t, 144, 144, 1, 1, 8, [2]int{16, 24}), // one head of 144
		oddModel(t, 6, 6, 3, 2, 2, [2]int{2, 2}),       // one patch
		oddModel(t, 64, 64, 1, 2, 8, [2]int{16, 16}),   // one head as wide as the model
	}
	sources[len(sources)-1].Config.OutProjection = false
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for _, family := range []plan.Family{"", plan.Tiles} {
			e := onDevice(t, info, withFamily(family))
			for _, src := range sources {
				t.Run(src.Name+" "+string(family), func(t *testing.T) {
					c := &src.Config
					last := c.Depth - 1
					m := load(t, e, src)
					for _, outputs := range [][]string{{"logits"}, {fmt.Sprintf("cls_attention.%d", last)}, {fmt.Sprintf("tokens.%d", last), "key.0", "cls_attention.0"}} {
						r := Request{Outputs: outputs, Height: c.ImageSize[0], Width: c.ImageSize[1], Batch: 2}
						pixels := devicetest.Pixels(r.Height, r.Width, 2)
						got, want := m.runOnce(t, r, pixels), reference(t, src, r, pixels)
						for _, name := range outputs {
							if err := near(got[name].Data, want[name].Data, goldenTolerance); err != nil {
								t.Errorf("%s: %v", name, err)
							}
						}
					}
				})
			}
		}
	})
}

// TestOtherGrids resamples positions for sizes that are not native, in both
// modes, and trims nothing that is a multiple of the patch side.
func TestOtherGrids(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{32, 32})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		m := load(t, onDevice(t, info), src)
		for _, size := range [][2]int{{32, 32}, {56, 40}, {8, 64}, {24, 24}} {
			for _, mode := range []crate.Positions{crate.PositionsExact, crate.PositionsDemo} {
				r := Request{Outputs: []string{"tokens.1", "logits"}, Height: size[0], Width: size[1], Batch: 1, Positions: mode}
				pixels := devicetest.Pixels(size[0], size[1], 1)
				got, want := m.runOnce(t, r, pixels), reference(t, src, r, pixels)
				for name := range got {
					if err := near(got[name].Data, want[name].Data, goldenTolerance); err != nil {
						t.Errorf("%v %s %s: %v", size, mode, name, err)
					}
				}
			}
		}
	})
}

// TestBatchInvariance: an image's tensors are the same bits in every batch and
// at every place in it.
func TestBatchInvariance(t *testing.T) {
	src := oddModel(t, 48, 48, 3, 2, 8, [2]int{40, 40})
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for _, family := range []plan.Family{"", plan.Tiles} {
			m := load(t, onDevice(t, info, withFamily(family)), src)
			pixels := devicetest.Pixels(40, 40, 7)
			one := len(pixels) / 7
			outputs := []string{"logits", "cls_attention.0", "tokens.0"}
			whole := m.runOnce(t, Request{Outputs: outputs, Height: 40, Width: 40, Batch: 7}, pixels)
			for i := range 7 {
				alone := m.runOnce(t, Request{Outputs: outputs, Height: 40, Width: 40, Batch: 1}, pixels[i*one:(i+1)*one])
				for _, name := range outputs {
					if !sameBits(whole[name].Image(i).Data, alone[name].Data) {
						t.Errorf("family %q, image %d: %s differs between batch 7 and batch 1", family, i, name)
					}
				}
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestWithoutPasses: leaving a pass out changes what is dispatched and leaves
// the masks equal.
func TestWithoutPasses(t *testing.T) {
	src := oddModel(t, 64, 64, 4, 3, 8, [2]int{64, 64})
	pixels := devicetest.Pixels(64, 64, 1)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		full := load(t, onDevice(t, info), src)
		r := Request{Outputs: []string{"cls_attention.1"}, Height: 64, Width: 64, Batch: 1}
		want := full.runOnce(t, r, pixels)["cls_attention.1"]
		count := func(without ...string) (dispatches int, flops int64) {
			g, err := readout.Graph(&full.src.Config, r, pass.Options{Without: without})
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.New(g, full.eng.machine().Limits, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return len(p.Dispatches), p.FLOPs()
		}
		n, f := count()
		for name, changes := range map[string]string{"fold-ista": "flops", "class-row": "flops", "fold-norm-affine": "dispatches", "fuse-epilogue": "dispatches", "dead-code": "flops", "fuse-embed": "dispatches"} {
			n2, f2 := count(name)
			if changes == "flops" && f2 <= f || changes == "dispatches" && n2 <= n {
				t.Errorf("without %s: %d dispatches and %d FLOPs, with it %d and %d", name, n2, f2, n, f)
			}
			m := load(t, onDevice(t, info, withoutPasses(name)), src)
			got := m.runOnce(t, r, pixels)["cls_attention.1"]
			if !slices.Equal(maskBits(got, 4), maskBits(want, 4)) {
				t.Errorf("without %s the mask differs", name)
			}
		}
	})
}

func maskBits(cls *Tensor, heads int) []bool {
	return readout.Keep{Share: 0.6}.Select(readout.MeanMap(cls.Data, heads, 1))
}

// TestHalfPrecision: fp16 storage stays near the reference (numerics 6.14 measured
// 2–4e-3 for the class row).
func TestHalfPrecision(t *testing.T) {
	src := oddModel(t, 64, 64, 4, 3, 8, [2]int{64, 64})
	pixels := devicetest.Pixels(64, 64, 1)
	r := Request{Outputs: []string{"cls_attention.1", "logits"}, Height: 64, Width: 64, Batch: 1}
	want := reference(t, src, r, pixels)
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		if !info.Storage16 {
			t.Skip("the device has no 16-bit storage")
		}
		for _, family := range []plan.Family{"", plan.Tiles} {
			m := load(t, onDevice(t, info, withFamily(family), WithPrecision(FP16)), src)
			got := m.runOnce(t, r, pixels)
			for name := range got {
				if err := near(got[name].Data, want[name].Data, 1e-2); err != nil {
					t.Errorf("%q %s: %v", family, name, err)
				}
			}
		}
	})
}

package prove

import (
	"context"
	"fmt"
	"math"
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

// normGraph has every operation that takes a row's statistics, or that multiplies
// rows with centred weights, over tokens of c channels.
const normGraph = `graph "rows" {
v0 = input {name="x"} : f32[B:1 N:40 C:%[1]d]
v1 = param {name="w"} : f32[R:64 K:%[1]d]
v2 = centre v1 : f32[R:64 K:%[1]d]
v3 = linear v0 v2 _ _ _ {eps=1e-05} : f32[B:1 N:40 C:64]
v4 = row_scale v0 {eps=1e-05} : f32[B:1 N:40 one:1]
v5 = linear v0 v2 _ v4 _ : f32[B:1 N:40 C:64]
v6 = linear v0 v2 _ _ _ : f32[B:1 N:40 C:64]
v7 = standardise v0 {eps=1e-05} : f32[B:1 N:40 C:%[1]d]
v8 = input {name="q"} : f32[B:1 C:64]
v9 = head_query v8 v2 {heads=2} : f32[B:1 H:2 C:%[1]d]
v10 = head_scores v0 v9 _ {eps=1e-05} : f32[B:1 H:2 keys:40]
v11 = param {name="table"} : f32[T:41 C:%[1]d]
v12 = embed v0 v11 _ {eps=1e-05} : f32[B:1 N:41 C:%[1]d]
v13 = linear v0 v1 _ _ _ {eps=1e-05} : f32[B:1 N:40 C:64]
output "fused" = v3
output "scaled" = v5
output "product" = v6
output "standardised" = v7
output "scores" = v10
output "embedded" = v12
output "uncentred" = v13
}`

// shiftedRows have means of base and a bit more, and different deviations. Every
// fourth row has its first channels far off the others, against which a shift that
// is taken from these is of little use.
func shiftedRows(c int, base float64) *interp.Tensor {
	x := interp.NewTensor(graph.Dims("B", 1, "N", 40, "C", c))
	r := Random("rows")
	for i := range x.Data {
		row, column := i/c, i%c
		v := base + float64(row%8)*0.5 + (0.3+0.2*float64(row/8))*r.NormFloat64()
		if row%4 == 3 && column < 16 {
			v += 20
		}
		x.Data[i] = float64(float32(v))
	}
	return x
}

// TestRowStatistics holds statistics of rows, and products of rows with centred
// weights, to what a stream may look like: rows with a mean far from zero against
// their deviation, of any number of channels.
func TestRowStatistics(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		gp := open(t, inst, info)
		for _, c := range []int{96, 95, 7} {
			g, err := graph.Parse(fmt.Sprintf(normGraph, c))
			if err != nil {
				t.Fatal(err)
			}
			params := RandomParams(g)
			for _, mean := range []float64{0, -1000, 5000} {
				in := RandomInputs(g)
				in["x"] = shiftedRows(c, mean)
				want, err := interp.Run(context.Background(), g, run.Typed(params), in)
				if err != nil {
					t.Fatal(err)
				}
				for _, family := range plan.Families(gp.Limits) {
					got := runPlan(t, gp, g, plan.Options{Family: family}, params, in)
					for name := range want {
						allowed := 1e-5
						if name == "uncentred" {
							// Here the mean is part of the result, which loses digits of it.
							allowed = 5e-5
						}
						if fact := disagreement(got[name].Data, want[name].Data, allowed); fact != "" {
							t.Errorf("%s, %d channels of mean %g: %s: %s", family, c, mean, name, fact)
						}
					}
				}
			}
		}
	})
}

// runPlan runs a graph once on the device.
func runPlan(t *testing.T, dev *Device, g *graph.Graph, opt plan.Options, params run.Params, in map[string]*interp.Tensor) map[string]*run.Tensor {
	t.Helper()
	p, err := plan.New(g, dev.Limits, opt)
	if err != nil {
		t.Fatal(err)
	}
	got, err := dev.Once(context.Background(), p, params, in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestLargeMeans holds models whose position table puts a large mean on every token
// to the error of a plain float32 implementation, one that rounds every value once
// and takes variances in two passes: the kernels may be some times as far from
// float64, whatever passes are left out, and not more.
func TestLargeMeans(t *testing.T) {
	models := standardModels()
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		gp := open(t, inst, info)
		for _, c := range []crate.Config{models[0], models[5]} {
			for _, mean := range []float64{100, 5000} {
				m := largeMean(t, &c, mean)
				for _, without := range []string{"", "all"} {
					g := m.graph(t, without)
					for _, family := range plan.Families(gp.Limits) {
						got := runPlan(t, gp, g, plan.Options{Family: family}, m.params, m.in)
						for name, want := range m.want {
							err, plain := furthest(got[name].Data, want), m.plain[name]
							if allowed := 4*plain + 5e-6; !(err <= allowed) {
								t.Errorf("%s, mean %g, without %q, %s: %s is off by %.2g of its largest value, plain float32 by %.2g",
									c.String(), mean, without, family, name, err, plain)
							}
						}
					}
				}
			}
		}
	})
}

// meanModel is a model with a large mean on every token, and what it computes.
type meanModel struct {
	config *crate.Config
	params run.Params
	in     map[string]*interp.Tensor
	want   map[string][]float64 // in float64
	plain  map[string]float64   // how far off plain float32 is, of the largest value
}

func (m *meanModel) graph(t *testing.T, without string) *graph.Graph {
	t.Helper()
	opt := pass.Options{}
	if without != "" {
		opt.Without = []string{without}
	}
	r := readout.Request{Batch: 1, Height: m.config.ImageSize[0], Width: m.config.ImageSize[1], Outputs: []string{"logits", "cls_attention.1"}}
	g, err := readout.Graph(m.config, r, opt)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func largeMean(t *testing.T, c *crate.Config, mean float64) *meanModel {
	t.Helper()
	m := &meanModel{config: c, want: map[string][]float64{}, plain: map[string]float64{}}
	g := m.graph(t, "all")
	random := RandomParams(g)
	m.params = func(name string) ([]float64, error) {
		x, err := random(name)
		for i := range x {
			switch name {
			case "pos_embedding", "pos_embed":
				x[i] = float64(float32(x[i] + mean))
			}
		}
		return x, err
	}
	m.in = RandomInputs(g)
	exact, err := interp.Run(context.Background(), g, run.Typed(m.params), m.in)
	if err != nil {
		t.Fatal(err)
	}
	rounded, err := interp.Compile(context.Background(), g, run.Typed(m.params))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := rounded.Run(context.Background(), m.in, func(_ *graph.Value, v *interp.Tensor) error {
		for i, x := range v.Data {
			v.Data[i] = float64(float32(x))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range exact {
		m.want[name], m.plain[name] = want.Data, furthest(plain[name].Data, want.Data)
	}
	return m
}

// furthest is the largest difference as a share of the largest value, NaN where
// either is.
func furthest[T float32 | float64](got []T, want []float64) float64 {
	most, off := 0.0, 0.0
	for i := range want {
		most = max(most, math.Abs(want[i]))
		off = max(off, math.Abs(float64(got[i])-want[i]))
	}
	return off / most
}

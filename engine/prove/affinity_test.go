package prove

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crate-vk/crate-vk/crate/readout/maskcut"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/shaders"
)

// affinityGraph compares features [batch n d].
func affinityGraph(batch, n, d int) (*graph.Graph, error) {
	b := graph.NewBuilder("affinity")
	x := b.Input("x", graph.F32Type("B", batch, "N", n, "C", d))
	b.Output("bits", b.Do(graph.OpAffinityBits, graph.Attrs{"tau": maskcut.Tau}, b.Do(graph.OpUnitRows, graph.Attrs{"prefix": 0}, x)))
	return b.Graph()
}

// features are patches of a few kinds with noise, [batch n d].
func features(batch, n, d int) *interp.Tensor {
	r := rand.New(rand.NewPCG(uint64(n), uint64(d)))
	kinds := make([]float64, 5*d)
	for i := range kinds {
		kinds[i] = r.NormFloat64()
	}
	t := interp.NewTensor(graph.Dims("B", batch, "N", n, "C", d))
	for i := range batch * n {
		k := r.IntN(5)
		for c := range d {
			t.Row(i)[c] = float64(float32(kinds[k*d+c] + 1.2*r.NormFloat64()))
		}
	}
	return t
}

func toWords(data []float32) []uint32 {
	w := make([]uint32, len(data))
	for i, x := range data {
		w[i] = math.Float32bits(x)
	}
	return w
}

// TestAffinity: the families' kernels give the same bits on a device, and those
// of the host's float64 but for products within rounding of τ.
func TestAffinity(t *testing.T) {
	ctx := context.Background()
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		g := open(t, inst, info)
		for _, s := range [][3]int{{1, 1, 3}, {2, 31, 8}, {1, 64, 13}, {2, 97, 20}, {3, 130, 64}} {
			batch, n, d := s[0], s[1], s[2]
			gr, err := affinityGraph(batch, n, d)
			if err != nil {
				t.Fatal(err)
			}
			in := features(batch, n, d)
			var first []uint32
			for _, family := range []plan.Family{plan.Plain, plan.Tiles, plan.Lanes} {
				p, err := plan.New(gr, g.Limits, plan.Options{Family: family})
				if err != nil {
					t.Fatal(err)
				}
				out, err := g.Once(ctx, p, nil, map[string]*interp.Tensor{"x": in})
				if err != nil {
					t.Fatal(err)
				}
				words := toWords(out["bits"].Data)
				if first == nil {
					first = words
				} else if !slices.Equal(words, first) {
					t.Errorf("%v: %s gives other bits than the plain kernel", s, family)
				}
				for b := range batch {
					a, err := maskcut.FromWords(n, words[b*len(words)/batch:(b+1)*len(words)/batch])
					if err != nil {
						t.Fatalf("%v %s: %v", s, family, err)
					}
					checkAffinity(t, a, in.Data[b*n*d:(b+1)*n*d], d)
				}
			}
		}
	})
}

func checkAffinity(t *testing.T, a *maskcut.Affinity, x []float64, d int) {
	t.Helper()
	cosine := func(i, j int) float64 {
		xy, xx, yy := 0.0, 0.0, 0.0
		for c := range d {
			p, q := x[i*d+c], x[j*d+c]
			xy, xx, yy = xy+p*q, xx+p*p, yy+q*q
		}
		return xy / math.Sqrt(xx*yy)
	}
	for i := range a.N {
		for j := range a.N {
			if a.At(i, j) != a.At(j, i) {
				t.Fatalf("bit (%d, %d) isn't that of (%d, %d)", i, j, j, i)
			}
			if g := cosine(i, j); a.At(i, j) != (g > maskcut.Tau) && math.Abs(g-maskcut.Tau) > 1e-5 {
				t.Fatalf("bit (%d, %d) is %v, the cosine %v", i, j, a.At(i, j), g)
			}
		}
	}
}

// BenchmarkAffinity60 is unit rows and bit matrix of 60×60 patches of 768
// channels on the first device, in which the model's forward isn't.
func BenchmarkAffinity60(b *testing.B) {
	ctx := context.Background()
	inst, err := vk.Open(vk.Options{})
	if err != nil {
		b.Skip(err)
	}
	defer inst.Close()
	g, err := run.OpenDevice(inst, run.DeviceOptions{SPIRV: shaders.SPIRV})
	if err != nil {
		b.Skip(err)
	}
	defer g.Close()
	gr, err := affinityGraph(1, 3600, 768)
	if err != nil {
		b.Fatal(err)
	}
	p, err := plan.New(gr, g.Limits, plan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store := run.NewWeightStore(g, nil)
	defer store.Close()
	pr, err := run.NewProgram(ctx, g, store, p, run.ProgramOptions{Slots: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer pr.Close()
	s, err := pr.Acquire(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if err := pr.Fill(s, map[string]*interp.Tensor{"x": features(1, 3600, 768)}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := pr.Execute(ctx, s); err != nil {
			b.Fatal(err)
		}
	}
}

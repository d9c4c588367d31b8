package engine

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/internal/enginetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/run"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
	"github.com/crate-vk/crate-vk/loader/picture"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// golden is a case that the published models' own code computed.
type golden struct {
	name   string
	config crate.Config
	params Params
	image  *picture.RGB
	want   map[string][]float32
}

// goldens reads the cases below testdata/model, or below the folder that
// CRATE_VK_GOLDENS names.
func goldens(t *testing.T) []golden {
	t.Helper()
	root := "../testdata/model"
	if dir := os.Getenv("CRATE_VK_GOLDENS"); dir != "" {
		root = dir
	}
	dirs, err := filepath.Glob(filepath.Join(root, "*", "expected.safetensors"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden cases below %s", root)
	}
	var list []golden
	for _, path := range dirs {
		list = append(list, readGolden(t, filepath.Dir(path)))
	}
	return list
}

func readGolden(t *testing.T, dir string) golden {
	t.Helper()
	src, err := OpenModel(dir, ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	g := golden{name: filepath.Base(dir), config: src.Config, params: src.params, want: map[string][]float32{}}
	if g.image, _, err = picture.DecodeFile(context.Background(), filepath.Join(dir, "image.png"), picture.Options{}); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(filepath.Join(dir, "expected.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, info := range f.Tensors() {
		x, err := f.ReadF32(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		g.want[info.Name] = x
	}
	return g
}

// names of the golden's tensors, in a fixed order.
func (g *golden) names() []string {
	var n []string
	for name := range g.want {
		n = append(n, name)
	}
	slices.Sort(n)
	return n
}

// facets are the sets of tensors that are computed: all that the case stores
// together, each alone, and those of each facet, as users ask for them. Other
// kernels run for each: fused attention, class row, early cut.
func (g *golden) facets() map[string][]string {
	sets := map[string][]string{"together": g.names()}
	for _, name := range []string{crate.EmbeddingClass, crate.EmbeddingMean} {
		sets[name] = []string{name}
		sets["together"] = append(sets["together"], name)
	}
	for _, name := range g.names() {
		sets[name] = []string{name}
		if layer, ok := strings.CutPrefix(name, "attention."); ok {
			cls := "cls_attention." + layer
			sets[cls] = []string{cls}
			sets["together"] = append(sets["together"], cls)
		}
	}
	layers := make([]int, g.config.Depth)
	for l := range layers {
		layers[l] = l
	}
	for _, facet := range g.config.Facets() {
		var stored []string
		for _, name := range g.config.FacetOutputs([]crate.Facet{facet}, layers) {
			if sets[name] != nil {
				stored = append(stored, name)
			}
		}
		if len(stored) > 1 { // of one tensor it is that tensor alone
			sets["facet-"+string(facet)] = stored
		}
	}
	return sets
}

// TestGoldenCases: the committed cases hold every architecture, and each stores
// what there is to see of every layer.
func TestGoldenCases(t *testing.T) {
	seen := map[crate.Architecture]bool{}
	for _, g := range goldens(t) {
		seen[g.config.Architecture] = true
		sets := g.facets()
		for l := range g.config.Depth {
			for _, f := range []string{"tokens", "key", "attention", "cls_attention"} {
				if name := fmt.Sprintf("%s.%d", f, l); sets[name] == nil {
					t.Errorf("%s is not held against %s", g.name, name)
				}
			}
		}
	}
	for _, a := range crate.Architectures() {
		if !seen[a] && os.Getenv("CRATE_VK_GOLDENS") == "" {
			t.Errorf("no case of %s", a)
		}
	}
}

func (g *golden) graph(t *testing.T, outputs []string, batch int, without ...string) *graph.Graph {
	t.Helper()
	gr, err := crate.Build(&g.config, crate.Request{Batch: batch, Height: g.image.Height, Width: g.image.Width, Outputs: outputs})
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Run(gr, pass.Options{Without: without}); err != nil {
		t.Fatal(err)
	}
	return gr
}

// compare holds a tensor of one image against the golden: within tol of the
// largest reference value. cls_attention is row 0 of the golden's attention, and the
// embeddings are made of the rows of its features, or of its last tokens where it has no
// features.
func (g *golden) compare(t *testing.T, name string, got []float32, tol float64) {
	t.Helper()
	want := g.want[name]
	if layer, ok := strings.CutPrefix(name, "cls_attention."); ok && want == nil {
		n := len(got) / g.config.Heads
		full := g.want["attention."+layer]
		for h := range g.config.Heads {
			want = append(want, full[h*n*n:h*n*n+n]...)
		}
	}
	if strings.HasPrefix(name, "embedding.") && want == nil {
		tokens := g.want["features"]
		if tokens == nil {
			tokens = g.want[fmt.Sprintf("tokens.%d", g.config.Depth-1)]
		}
		d := g.config.Dim
		want = tokens[:d]
		if name == crate.EmbeddingMean {
			want = make([]float32, d)
			patches := tokens[g.config.Prefix*d:]
			for i, x := range patches {
				want[i%d] += x / float32(len(patches)/d)
			}
		}
	}
	if err := near(got, want, tol); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// near compares within tol of the largest reference value.
func near[T float32 | float64](got []float32, want []T, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	top, diff, at := 0.0, 0.0, 0
	for i, w := range want {
		top = max(top, math.Abs(float64(w)))
		d := math.Abs(float64(got[i]) - float64(w))
		if !(d <= diff) {
			diff, at = d, i
		}
	}
	if !(diff <= tol*top) {
		return fmt.Errorf("element %d is %g, want %g (largest %g)", at, got[at], want[at], top)
	}
	return nil
}

const goldenTolerance = 1e-4

func TestGoldenInterpreter(t *testing.T) {
	for _, g := range goldens(t) {
		for what, outputs := range g.facets() {
			for _, without := range []string{"", "all"} {
				t.Run(g.name+"/"+what+"/without-"+without, func(t *testing.T) {
					gr := g.graph(t, outputs, 1, strings.Fields(without)...)
					image := interp.NewTensor(gr.Values[0].Shape())
					for i, x := range g.image.Pix {
						image.Data[i] = float64(x)
					}
					out, err := interp.Run(context.Background(), gr, run.Typed(g.params), map[string]*interp.Tensor{crate.InputName: image})
					if err != nil {
						t.Fatal(err)
					}
					for _, name := range outputs {
						got := make([]float32, len(out[name].Data))
						for i, x := range out[name].Data {
							got[i] = float32(x)
						}
						g.compare(t, name, got, goldenTolerance)
					}
				})
			}
		}
	}
}

// TestGoldenDevices runs every case on every device, with each family of
// kernels: all tensors together, with all passes and with none, each tensor
// alone, and facet by facet. At the end it names the kernels that ran.
func TestGoldenDevices(t *testing.T) {
	cases := goldens(t)
	devicetest.Each(t, func(t *testing.T, inst *vk.Instance, info vk.Info) {
		d := enginetest.Open(t, inst, info)
		ran := map[string]bool{}
		for _, g := range cases {
			store := run.NewWeightStore(d, g.params)
			for what, outputs := range g.facets() {
				for _, family := range []plan.Family{plan.Lanes, plan.Tiles, plan.Plain} {
					for _, without := range []string{"", "all"} {
						// Without passes the whole model runs, whatever is read.
						if without == "all" && what != "together" {
							continue
						}
						t.Run(fmt.Sprintf("%s/%s/%s/without-%s", g.name, what, family, without), func(t *testing.T) {
							gr := g.graph(t, outputs, 2, strings.Fields(without)...)
							p, err := plan.New(gr, d.Limits, plan.Options{Family: family})
							if err != nil {
								t.Fatal(err)
							}
							for _, d := range p.Dispatches {
								ran[d.Kernel.Name] = true
							}
							g.runPlan(t, d, store, p, goldenTolerance)
						})
					}
				}
			}
			store.Close()
		}
		t.Logf("kernels that ran: %s", strings.Join(sortedKeys(ran), " "))
	})
}

// runPlan runs a plan of batch 2 whose images are both the golden's and
// compares each.
func (g *golden) runPlan(t *testing.T, d *run.Device, store *run.WeightStore, p *plan.Plan, tol float64) {
	t.Helper()
	ctx := context.Background()
	pr, err := run.NewProgram(ctx, d, store, p, run.ProgramOptions{Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	s, err := pr.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := pr.Input(s, crate.InputName)
	if err != nil {
		t.Fatal(err)
	}
	copy(in[copy(in, g.image.Pix):], g.image.Pix)
	if err := pr.Execute(ctx, s); err != nil {
		t.Fatal(err)
	}
	for _, o := range p.Outputs {
		got, _, err := pr.Output(s, o.Name)
		if err != nil {
			t.Fatal(err)
		}
		g.compare(t, o.Name, got[:len(got)/2], tol)
		g.compare(t, o.Name, got[len(got)/2:], tol)
	}
	pr.Release(s)
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

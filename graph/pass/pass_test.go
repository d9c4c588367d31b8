package pass_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/interp"
	"github.com/crate-vk/crate-vk/graph/pass"
)

var update = flag.Bool("update", false, "rewrite the .out files of testdata/pass")

// models are small relatives of every architecture and ablation.
func models(t *testing.T) map[string]crate.Config {
	m := map[string]crate.Config{}
	for name, preset := range map[string]string{"crate": "crate-t16", "alpha": "alpha-b16", "mae": "mae-b16", "vit": "vit-s16"} {
		c, err := crate.Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		c.Patch, c.ImageSize = 4, [2]int{8, 12}
		c.Dim, c.Inner, c.Heads, c.Depth = 18, 15, 3, 3 // heads of 5: no power of two, and not the width
		if c.Hidden > 0 {
			c.Hidden = 30
		}
		if c.DecoderDepth == 0 {
			c.Classes = 7
		} else {
			c.DecoderDepth = 2
		}
		m[name] = c
	}
	soft := m["crate"]
	soft.Block = crate.BlockSoft
	m["crate-sth"] = soft
	mlp := m["crate"]
	mlp.Block, mlp.Hidden, mlp.ResidualFF = crate.BlockMLP, 30, true
	m["crate-mlp"] = mlp
	mhsa := m["crate"]
	mhsa.Attention = crate.AttentionMHSA
	m["crate-mhsa"] = mhsa
	tied := m["alpha"]
	tied.Decoupled = false
	m["alpha-tied"] = tied
	distilled := m["vit"]
	distilled.Prefix = 2
	m["deit-distilled"] = distilled
	pooled := m["vit"]
	pooled.FCNorm, pooled.Pool = true, crate.PoolMean
	m["vit-pooled"] = pooled
	single := m["crate"]
	single.Heads, single.Inner, single.OutProjection, single.OutBias = 1, single.Dim, false, false
	m["crate-one-head"] = single
	return m
}

// readouts are sets of outputs that make different passes apply.
func readouts(c *crate.Config) map[string][]string {
	r := map[string][]string{
		"tokens": {"tokens.2"}, "cls": {"cls_attention.1"}, "embedding": {crate.EmbeddingClass}, "embedding-mean": {crate.EmbeddingMean}, "cls-last": {"cls_attention.2"}, "key": {"key.2"}, "attention": {"attention.1"},
		"all": c.FacetOutputs([]crate.Facet{"tokens", "key", "attention", "cls", "logits", "features"}, []int{0, 1, 2}),
	}
	if c.Classes > 0 {
		r["logits"] = []string{"logits"}
		r["logits+cls"] = []string{"logits", "cls_attention.0", "cls_attention.1", "cls_attention.2"}
	}
	if c.DecoderDepth > 0 {
		r["reconstruction"] = []string{"reconstruction"}
		r["all"] = append(r["all"], "reconstruction")
	}
	return r
}

func randomImage(c *crate.Config, batch int) *interp.Tensor {
	im := interp.NewTensor(graph.Dims("B", batch, "Y", c.ImageSize[0], "X", c.ImageSize[1], "RGB", 3))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range im.Data {
		im.Data[i] = float64(r.IntN(256))
	}
	return im
}

func run(t *testing.T, g *graph.Graph, c *crate.Config, image *interp.Tensor) map[string]*interp.Tensor {
	t.Helper()
	params := c.RandomParams(7)
	out, err := interp.Run(context.Background(), g, func(name string, _ graph.Type) ([]float64, error) { return params(name) },
		map[string]*interp.Tensor{crate.InputName: image})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func worst(a, b map[string]*interp.Tensor) (name string, rel float64) {
	for n, x := range a {
		top, diff := 0.0, 0.0
		for i, v := range x.Data {
			top = max(top, math.Abs(v))
			d := math.Abs(v - b[n].Data[i])
			if math.IsNaN(d) {
				d = math.Inf(1)
			}
			diff = max(diff, d)
		}
		if diff/top >= rel {
			name, rel = n, diff/top
		}
	}
	return name, rel
}

// TestEqual runs every model and read-out before the passes and after each of
// them: the interpreter must find the same outputs to float64 rounding.
func TestEqual(t *testing.T) {
	for name, c := range models(t) {
		for what, outputs := range readouts(&c) {
			t.Run(name+"/"+what, func(t *testing.T) {
				g, err := crate.Build(&c, crate.Request{Batch: 2, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs, Mask: crate.Mask{Ratio: 0.5}})
				if err != nil {
					t.Fatal(err)
				}
				image := randomImage(&c, 2)
				want := run(t, g, &c, image)
				for _, p := range pass.Table() {
					if err := pass.Apply(p, g); err != nil {
						t.Fatal(err)
					}
					if n, rel := worst(want, run(t, g, &c, image)); rel > 1e-12 {
						t.Fatalf("after %s, %s differs by %.3g of its largest value", p.Name, n, rel)
					}
				}
			})
		}
	}
}

// TestWithout leaves each pass out in turn, and all of them: outputs stay, and
// every combination leaves a graph that checks.
func TestWithout(t *testing.T) {
	for name, c := range models(t) {
		all := readouts(&c)["all"]
		for _, outputs := range [][]string{all, {all[len(all)-1]}, {"cls_attention.1"}} {
			build := func() *graph.Graph {
				g, err := crate.Build(&c, crate.Request{Batch: 1, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs, Mask: crate.Mask{Ratio: 0.5}})
				if err != nil {
					t.Fatal(err)
				}
				return g
			}
			image := randomImage(&c, 1)
			want := run(t, build(), &c, image)
			without := []string{"all"}
			for _, p := range pass.Table() {
				if !p.Required {
					without = append(without, p.Name)
				}
			}
			for _, w := range without {
				g := build()
				if err := pass.Run(g, pass.Options{Without: []string{w}}); err != nil {
					t.Fatalf("%s without %s: %v", name, w, err)
				}
				if n, rel := worst(want, run(t, g, &c, image)); rel > 1e-12 {
					t.Errorf("%s without %s: %s differs by %.3g of its largest value", name, w, n, rel)
				}
			}
		}
	}
}

// TestApplies makes sure that each pass changes something somewhere: a pass
// that never matches would pass TestEqual.
func TestApplies(t *testing.T) {
	changed := map[string]bool{}
	for _, c := range models(t) {
		for _, outputs := range readouts(&c) {
			g, err := crate.Build(&c, crate.Request{Batch: 1, Height: c.ImageSize[0], Width: c.ImageSize[1], Outputs: outputs, Mask: crate.Mask{Ratio: 0.5}})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pass.Table() {
				before := g.String()
				if err := pass.Apply(p, g); err != nil {
					t.Fatal(err)
				}
				if g.String() != before {
					changed[p.Name] = true
				}
			}
		}
	}
	for _, p := range pass.Table() {
		if !changed[p.Name] {
			t.Errorf("pass %s never changed a graph", p.Name)
		}
	}
}

// TestOrder holds the table against its own After lists.
func TestOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range pass.Table() {
		for _, a := range p.After {
			if !seen[a] {
				t.Errorf("%s must run after %s, which does not stand before it", p.Name, a)
			}
		}
		if seen[p.Name] || p.Doc == "" {
			t.Errorf("pass %q: its name is taken or it has no doc", p.Name)
		}
		seen[p.Name] = true
	}
}

// TestGolden runs one pass on each testdata/pass/NAME/*.in and compares the
// text with the .out beside it. Read the diff after -update.
func TestGolden(t *testing.T) {
	const root = "../../testdata/pass"
	for _, p := range pass.Table() {
		cases, err := filepath.Glob(filepath.Join(root, p.Name, "*.in"))
		if err != nil || len(cases) == 0 {
			t.Errorf("pass %s has no golden case below %s", p.Name, root)
		}
		for _, in := range cases {
			t.Run(p.Name+"/"+strings.TrimSuffix(filepath.Base(in), ".in"), func(t *testing.T) {
				text, err := os.ReadFile(in)
				if err != nil {
					t.Fatal(err)
				}
				g, err := graph.Parse(string(text))
				if err != nil {
					t.Fatal(err)
				}
				if err := pass.Apply(p, g); err != nil {
					t.Fatal(err)
				}
				out := strings.TrimSuffix(in, ".in") + ".out"
				if *update {
					if err := os.WriteFile(out, []byte(g.String()), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if g.String() != string(want) {
					t.Errorf("got\n%s\nwant\n%s", g, want)
				}
			})
		}
	}
}

// TestFLOPs checks the sums of numerics 7, in GFLOP an image.
func TestFLOPs(t *testing.T) {
	for _, c := range []struct {
		preset string
		size   int
		output string
		naive  float64
		folded float64
	}{
		{"crate-s16", 224, "tokens.11", 9.1, 6.0}, {"crate-s16", 480, "tokens.11", 59.1, 44.8}, {"crate-s16", 224, "cls_attention.10", 7.8, 5.0},
		{"emergence-s8", 224, "tokens.11", 25.4, 19.8}, {"emergence-s8", 480, "key.11", 279.1, 255.7},
		{"emergence-b8", 224, "tokens.11", 78.5, 56.3}, {"emergence-b8", 224, "cls_attention.10", 67.3, 47.0}, {"emergence-b8", 224, "key.11", 72.9, 52.5},
		{"demo-b8", 224, "cls_attention.10", 67.3, 47.0}, {"emergence-b8", 480, "tokens.11", 734.0, 632.0}, {"emergence-b8", 480, "cls_attention.10", 636.0, 526.9},
	} {
		config, err := crate.Preset(c.preset)
		if err != nil {
			t.Fatal(err)
		}
		gflop := func(without ...string) float64 {
			g, err := crate.Build(&config, crate.Request{Batch: 8, Height: c.size, Width: c.size, Outputs: []string{c.output}})
			if err != nil {
				t.Fatal(err)
			}
			if err := pass.Run(g, pass.Options{Without: without}); err != nil {
				t.Fatal(err)
			}
			return float64(g.FLOPs()) / 8e9
		}
		what := fmt.Sprintf("%s %d px %s", c.preset, c.size, c.output)
		if got := gflop(); math.Abs(got-c.folded) > 0.1 {
			t.Errorf("%s folded: %.2f GFLOP, want %.1f", what, got, c.folded)
		}
		// The published form of "map@10" computes the whole Gram matrix; ours
		// never computes more than its class row, so only full forwards compare.
		if got := gflop("fold-ista"); !strings.HasPrefix(c.output, "cls") && math.Abs(got-c.naive) > 0.1 {
			t.Errorf("%s naive: %.2f GFLOP, want %.1f", what, got, c.naive)
		}
	}
}

func TestUnknownName(t *testing.T) {
	err := pass.Run(&graph.Graph{}, pass.Options{Without: []string{"fold-istas"}})
	if err == nil || !strings.Contains(err.Error(), "fold-istas") || !slices.ContainsFunc(pass.Table(), func(p pass.Pass) bool { return strings.Contains(err.Error(), p.Name) }) {
		t.Errorf("got %v, want an error that names it and the passes there are", err)
	}
}

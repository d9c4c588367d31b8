package engine

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	"github.com/crate-vk/crate-vk/loader/weights"
)

// formulaCase is a model and what its file cannot say.
type formulaCase struct {
	name     string
	run      func(*formula)
	settings map[string]any // of config.json
	prefix   string         // of the names in the file
	mask     crate.Mask
	oneHead  bool
}

func formulaCases() []formulaCase {
	crateOf := func(more map[string]any) map[string]any {
		m := map[string]any{"architecture": "crate"}
		maps.Copy(m, more)
		return m
	}
	half := crate.Mask{Ratio: 0.5, Seed: 3}
	return []formulaCase{
		{name: "crate", run: crateFormula(false, istaBlock, false), prefix: "module."},
		{name: "crate-one-head", run: crateFormula(false, istaBlock, false), oneHead: true},
		{name: "crate-mean", run: func(f *formula) {
			f.mlpHead(mean(f.crateLayers(f.crateTokens(), 1e-5, false, true, istaBlock, false)))
		}, settings: crateOf(map[string]any{"pool": "mean"})},
		{name: "crate-two-heads", run: func(f *formula) {
			crateFormula(false, istaBlock, false)(f)
			const more = 5
			f.read("logits", linear(rows{f.out["logits"]}, f.w("head.weight", more, formulaClasses), more, f.w("head.bias", more)))
		}, prefix: "model."},
		{name: "crate-sth", run: crateFormula(false, softBlock, false), settings: crateOf(map[string]any{"block": "soft", "lambda": 2.5, "eta": 0.2})},
		{name: "crate-mlp", run: crateFormula(false, mlpBlock, true)},
		{name: "crate-mhsa", run: crateFormula(true, istaBlock, false)},
		{name: "crate-mhsa-mlp", run: crateFormula(true, mlpBlock, true)},
		{name: "alpha", run: alphaFormula(odlBlock(44, true), true)},
		{name: "alpha-tied", run: alphaFormula(odlBlock(44, false), true)},
		{name: "alpha-no-residual", run: alphaFormula(odlBlock(44, true), false), settings: map[string]any{"architecture": "crate-alpha", "residual_ff": false}},
		{name: "alpha-vanilla", run: alphaFormula(vanillaBlock, false)},
		{name: "alpha-square", run: alphaFormula(odlBlock(20, true), true)}, // r = 1, decoupled: not the vanilla block
		{name: "alpha-one-head", run: alphaFormula(odlBlock(44, true), true), oneHead: true},
		{name: "mae", run: maeFormula(half), settings: map[string]any{"architecture": "crate-mae", "lambda": 5.0}, mask: half, prefix: "model."},
		{name: "mae-whole", run: maeFormula(crate.Mask{})},
		{name: "mae-hidden", run: maeFormula(crate.Mask{Ratio: 1}), mask: crate.Mask{Ratio: 1}},
		{name: "mae-tuned", run: tunedFormula, prefix: "model.module."},
		{name: "vit-dino", run: vitFormula("backbone"), prefix: "teacher.module.backbone."},
		{name: "vit-timm", run: vitFormula("head")},
		{name: "deit-distilled", run: vitFormula("distilled"), prefix: "model."},
		{name: "vit-pooled", run: vitFormula("pooled")},
	}
}

// image runs the formula on pixels and gives what it read and the tensors that
// it used.
func (k *formulaCase) image(grid [2]int, pixels []byte) *formula {
	f := &formula{patch: 4, dim: 20, inner: 18, heads: 3, depth: 2, native: [2]int{3, 3}, grid: grid, eta: 0.1, lambda: 0.1,
		tensors: map[string]weights.Tensor{}, out: map[string][]float64{}}
	if k.oneHead {
		f.inner, f.heads = f.dim, 1
	}
	if v, ok := k.settings["eta"].(float64); ok {
		f.eta = v
	}
	if v, ok := k.settings["lambda"].(float64); ok {
		f.lambda = v
	}
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	f.image = make([][]float64, 3)
	for i, u := range pixels {
		c := i % 3
		f.image[c] = append(f.image[c], (float64(u)/255-mean[c])/std[c])
	}
	k.run(f)
	return f
}

// open writes the formula's tensors as a checkpoint and opens it.
func (k *formulaCase) open(t *testing.T, f *formula) *ModelSource {
	t.Helper()
	settings := map[string]any{}
	maps.Copy(settings, k.settings)
	if settings["architecture"] == nil {
		settings["architecture"] = map[string]string{"crate": "crate", "alpha": "crate-alpha", "mae": "crate-mae", "vit": "vit", "deit": "vit"}[strings.SplitN(k.name, "-", 2)[0]]
	}
	if !k.oneHead { // a file without output projection tells
		settings["heads"] = f.heads
	}
	var list []weights.Tensor
	for _, name := range slices.Sorted(maps.Keys(f.tensors)) {
		w := f.tensors[name]
		w.Name = k.prefix + name
		list = append(list, w)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, list, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, weights.FileName), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	writeJSON(t, filepath.Join(dir, "config.json"), settings)
	src, err := OpenModel(dir, ModelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range src.Warnings {
		if strings.Contains(w, "--heads") {
			t.Errorf("warns of heads: %s", w)
		}
	}
	return inMemory(t, k.name, src)
}

// TestFormulas holds every architecture and ablation against its formulas: the
// interpreter, before and after the passes, to float64 rounding, and every
// device with each family of kernels. The tensors' names and shapes are those
// of the formulas, so the loader's inference is held against them, too.
func TestFormulas(t *testing.T) {
	type ready struct {
		src    *ModelSource
		r      Request
		pixels []byte
		want   map[string][]float64
	}
	all := map[string]ready{}
	for _, k := range formulaCases() {
		for _, grid := range [][2]int{{3, 3}, {4, 2}} {
			if testing.Short() && grid != [2]int{3, 3} {
				continue
			}
			r := Request{Height: 4 * grid[0], Width: 4 * grid[1], Batch: 1, Mask: k.mask}
			pixels := devicetest.Pixels(r.Height, r.Width, 1)
			f := k.image(grid, pixels)
			src := k.open(t, f)
			r.Outputs = slices.Sorted(maps.Keys(f.out))
			if want := slices.Sorted(slices.Values(src.Config.FacetOutputs(readout.AllFacets(), []int{0, 1}))); !slices.Equal(r.Outputs, want) {
				t.Errorf("%s shows %v, the formulas %v", k.name, want, r.Outputs)
			}
			all[fmt.Sprintf("%s/%v", k.name, grid)] = ready{src, r, pixels, f.out}
		}
	}
	for name, c := range all {
		for _, without := range []string{"", "all"} {
			g, err := readout.Graph(&c.src.Config, c.r, pass.Options{Without: strings.Fields(without)})
			if err != nil {
				t.Fatal(err)
			}
			in := interp.NewTensor(graph.Dims("B", 1, "Y", c.r.Height, "X", c.r.Width, "RGB", 3))
			for i, x := range c.pixels {
				in.Data[i] = float64(x)
			}
			out, err := interp.Run(context.Background(), g, run.Typed(c.src.params), map[string]*interp.Tensor{crate.InputName: in})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range c.r.Outputs {
				if fact := disagreement64(out[o].Data, c.want[o], 1e-10); fact != "" {
					t.Errorf("%s without %q: %s: %s", name, without, o, fact)
				}
			}
		}
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		families := []plan.Family{"", plan.Tiles, plan.Plain}
		if testing.Short() {
			families = families[:1]
		}
		for _, family := range families {
			for _, without := range []string{"", "all"} {
				if without != "" && family == plan.Plain {
					continue // what the others are compared with: once is enough
				}
				e := onDevice(t, info, withFamily(family), withoutPasses(strings.Fields(without)...))
				for name, c := range all {
					m := load(t, e, c.src)
					got := m.runOnce(t, c.r, c.pixels)
					for _, o := range c.r.Outputs {
						if err := near(got[o].Data, c.want[o], goldenTolerance); err != nil {
							t.Errorf("%s, family %q without %q: %s: %v", name, family, without, o, err)
						}
					}
				}
			}
		}
	})
}

func disagreement64(got, want []float64, tol float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(want))
	}
	top, diff, at := 0.0, 0.0, 0
	for i, w := range want {
		top = max(top, w, -w)
		if d := max(got[i]-w, w-got[i]); !(d <= diff) {
			diff, at = d, i
		}
	}
	if !(diff <= tol*top) {
		return fmt.Sprintf("element %d is %g, want %g", at, got[at], want[at])
	}
	return ""
}

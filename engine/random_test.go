package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/loader/weights"
)

// randomCase is a model of unusual shape in a file of unusual form, and a size.
type randomCase struct {
	name string
	src  *ModelSource
	size [2]int // height, width
	sets map[string][]string
	mask crate.Mask
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomConfig draws a model: any architecture or ablation, widths and heads
// that are no power of two and no multiple of four, grids that are no square.
func randomConfig(t *testing.T, r *rand.Rand) (c crate.Config, kind string) {
	t.Helper()
	kind = pick(r, "crate", "crate", "crate-soft", "crate-mlp", "crate-mhsa", "alpha", "alpha-tied", "alpha-vanilla", "mae", "vit", "deit", "vit-pooled", "one-head")
	preset := map[string]string{"alpha": "alpha-b16", "mae": "mae-t16", "vit": "vit-s16", "deit": "vit-s16"}[strings.SplitN(kind, "-", 2)[0]]
	if preset == "" {
		preset = "crate-t16"
	}
	c, err := crate.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	c.Patch = pick(r, 2, 3, 4, 5, 7, 8)
	c.ImageSize = [2]int{c.Patch * (1 + r.IntN(6)), c.Patch * (1 + r.IntN(6))}
	c.Dim, c.Depth, c.Heads = 5+r.IntN(92), 1+r.IntN(3), 1+r.IntN(5)
	c.Inner = c.Heads * pick(r, 1, 2, 3, 5, 6, 7, 8, 10, 12, 17, 20, 24, 31, 36)
	c.Eta, c.Lambda = 0.05+0.1*r.Float64(), pick(r, 0.1, 0.5, 1.0)
	c.Classes = pick(r, 0, 1, 3, 11, 37)
	if c.Hidden > 0 || kind == "crate-mlp" {
		c.Hidden = 1 + r.IntN(150)
	}
	switch kind {
	case "crate-soft":
		c.Block = crate.BlockSoft
	case "crate-mlp":
		c.Block, c.ResidualFF = crate.BlockMLP, true
	case "crate-mhsa":
		c.Attention = crate.AttentionMHSA
	case "alpha-tied":
		c.Decoupled = false
	case "alpha-vanilla":
		c.Block, c.ResidualFF, c.Hidden = crate.BlockISTA, false, 0
	case "mae":
		c.DecoderDepth, c.Classes = 1+r.IntN(2), 0
	case "deit":
		c.Prefix = 2
	case "vit-pooled":
		c.FCNorm, c.Pool = true, crate.PoolMean
	case "one-head":
		c.Heads, c.Inner, c.OutProjection, c.OutBias = 1, c.Dim, false, false
	}
	return c, kind
}

// write makes the model's file, or an index and shards, below a folder: names
// with a wrapper's prefixes, elements of any type, tensors in any order, and
// some that no model needs.
func writeRandom(t *testing.T, r *rand.Rand, dir string, c *crate.Config) (form string) {
	t.Helper()
	prefix := pick(r, "", "module.", "model.", "state_dict.module.", "teacher.backbone.", "model.module._orig_mod.")
	dtype := pick(r, weights.F32, weights.F16, weights.BF16, weights.F64)
	shards := pick(r, 1, 1, 1, 3)
	params := c.RandomParams(r.Uint64())
	list := []weights.Tensor{{Name: prefix + "step", DType: weights.F32, Shape: []int{1}, F64: []float64{7}}}
	for _, w := range c.Tensors() {
		x, err := params(w.Name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, weights.Tensor{Name: prefix + w.Name, DType: dtype, Shape: w.Shape, F64: x})
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	at := map[string]string{}
	for s := range shards {
		name, part := weights.FileName, list
		if shards > 1 {
			name, part = fmt.Sprintf("part-%d.safetensors", s), list[s*len(list)/shards:(s+1)*len(list)/shards]
		}
		var b bytes.Buffer
		if err := weights.Write(&b, part, map[string]string{"format": "pt"}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, w := range part {
			at[w.Name] = name
		}
	}
	if shards > 1 {
		writeJSON(t, filepath.Join(dir, weights.IndexName), map[string]any{"weight_map": at})
	}
	settings := map[string]any{"architecture": c.Architecture, "image_size": c.ImageSize, "eta": c.Eta, "lambda": c.Lambda, "block": c.Block}
	if c.OutProjection {
		settings["heads"] = c.Heads
	}
	writeJSON(t, filepath.Join(dir, "config.json"), settings)
	return fmt.Sprintf("%s %s×%d", prefix, dtype, shards)
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inMemory is the model with its tensors read: a model on an engine closes its
// file.
func inMemory(t *testing.T, name string, src *ModelSource) *ModelSource {
	t.Helper()
	defer src.Close()
	kept := map[string][]float64{}
	var err error
	for _, w := range src.Config.Tensors() {
		if kept[w.Name], err = src.params(w.Name); err != nil {
			t.Fatal(err)
		}
	}
	return NewModelSource(name, src.Config, "none", func(name string) ([]float64, error) { return kept[name], nil })
}

// randomModel draws case i. The first has 785 tokens, the second as many from a
// smaller table.
func randomModel(t *testing.T, i int) *randomCase {
	r := rand.New(rand.NewPCG(2026, uint64(i)))
	c, kind := randomConfig(t, r)
	k := &randomCase{mask: crate.Mask{Ratio: pick(r, 0, 0.5, 0.75, 1), Seed: r.IntN(9)}}
	if i < 2 {
		c.Patch, c.Depth = 2, 1
		c.ImageSize = [2]int{56 - 28*i, 56 - 28*i}
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	k.size = c.ImageSize
	if r.IntN(2) == 0 { // most often upsampled, along one axis at least
		k.size = [2]int{c.Patch * (1 + r.IntN(9)), c.Patch * (1 + r.IntN(9))}
	}
	if i < 2 {
		k.size = [2]int{56, 56}
	}
	dir := t.TempDir()
	form := writeRandom(t, r, dir, &c)
	src, err := OpenModel(dir, ModelOptions{})
	if err != nil {
		t.Fatalf("%s: %v", &c, err)
	}
	if got, want := fmt.Sprintf("%+v", src.Config), fmt.Sprintf("%+v", c); got != want {
		t.Errorf("%s is read as\n%s, written as\n%s", kind, got, want)
	}
	k.src = inMemory(t, fmt.Sprint(i), src)
	k.name = fmt.Sprintf("%d %s %s at %dx%d from %s", i, kind, &c, k.size[1], k.size[0], form)
	layers := []int{r.IntN(c.Depth), c.Depth - 1}
	slices.Sort(layers)
	layers = slices.Compact(layers)
	k.sets = map[string][]string{"together": c.FacetOutputs(c.Facets(), layers)}
	for _, facet := range c.Facets() {
		k.sets[string(facet)] = c.FacetOutputs([]crate.Facet{facet}, layers)
	}
	k.sets["tokens alone"] = []string{fmt.Sprintf("tokens.%d", c.Depth-1)}
	return k
}

// TestRandomModels holds random models in random files against the interpreter
// without passes: all facets together and each alone, with passes and without.
// CRATE_VK_RANDOM_MODELS is how many, where eight are too few.
func TestRandomModels(t *testing.T) {
	count := 8
	if testing.Short() {
		count = 3
	}
	if n, err := strconv.Atoi(os.Getenv("CRATE_VK_RANDOM_MODELS")); err == nil {
		count = n
	}
	for i := range count {
		k := randomModel(t, i)
		batch := 1 + i%3
		if i < 2 {
			batch = 1
		}
		request := func(what string) Request {
			return Request{Outputs: k.sets[what], Height: k.size[0], Width: k.size[1], Batch: batch, Mask: k.mask}
		}
		pixels := devicetest.Pixels(k.size[0], k.size[1], batch)
		want := reference(t, k.src, request("together"), pixels)
		devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
			check := func(family plan.Family, without string, sets ...string) {
				m := load(t, onDevice(t, info, withFamily(family), withoutPasses(strings.Fields(without)...)), k.src)
				for _, what := range sets {
					got := m.runOnce(t, request(what), pixels)
					for _, name := range k.sets[what] {
						if err := near(got[name].Data, want[name].Data, goldenTolerance); err != nil {
							t.Errorf("%s: family %q without %q, %s: %s: %v", k.name, family, without, what, name, err)
						}
					}
				}
			}
			check("", "", sortedKeys(k.sets)...)
			check("", "all", "together")
			check([]plan.Family{plan.Tiles, plan.Plain}[i%2], "", "together", "tokens alone", "cls")
		})
	}
}

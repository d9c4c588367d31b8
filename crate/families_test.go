package crate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/graph"
)

// relatives are small models of every family, with every part that a file can
// have or lack.
func relatives(t *testing.T) map[string]*crate.Config {
	t.Helper()
	all := map[string]*crate.Config{}
	for name, change := range map[string]func(*crate.Config){
		"crate-t16":           func(*crate.Config) {},
		"crate-t16 backbone":  func(c *crate.Config) { c.Classes = 0 },
		"crate-t16 soft":      func(c *crate.Config) { c.Block = crate.BlockSoft },
		"crate-t16 mhsa":      func(c *crate.Config) { c.Attention = crate.AttentionMHSA },
		"crate-t16 mlp":       func(c *crate.Config) { c.Block, c.Hidden, c.ResidualFF = crate.BlockMLP, 30, true },
		"crate-t16 one head":  func(c *crate.Config) { c.Heads, c.Inner, c.OutProjection, c.OutBias = 1, c.Dim, false, false },
		"crate-t16 two heads": func(c *crate.Config) { c.ExtraHead = 5 },
		"crate-t16 mean":      func(c *crate.Config) { c.Pool = crate.PoolMean },
		"alpha-b16":           func(*crate.Config) {},
		"alpha-b16 tied":      func(c *crate.Config) { c.Decoupled = false },
		"alpha-b16 vanilla":   func(c *crate.Config) { c.Block, c.ResidualFF, c.Hidden = crate.BlockISTA, false, 0 },
		"mae-t16":             func(c *crate.Config) { c.Classes = 0 },
		"mae-t16 encoder":     func(c *crate.Config) { c.Classes, c.DecoderDepth = 0, 0 },
		"mae-t16 tuned":       func(c *crate.Config) { c.FineTuned, c.DecoderDepth = true, 0 },
		"vit-s16":             func(*crate.Config) {},
		"vit-s16 backbone":    func(c *crate.Config) { c.Classes = 0 },
		"vit-s16 pooled":      func(c *crate.Config) { c.FCNorm, c.Pool = true, crate.PoolMean },
		"vit-s16 distilled":   func(c *crate.Config) { c.Prefix = 2 },
	} {
		base, _, _ := strings.Cut(name, " ")
		c := preset(t, base)
		c.Patch, c.ImageSize, c.Dim, c.Inner, c.Heads, c.Depth, c.Classes = 4, [2]int{8, 12}, 18, 15, 3, 2, 7
		if c.Hidden > 0 {
			c.Hidden = 30
		}
		c.DecoderDepth = min(c.DecoderDepth, 1)
		change(c)
		all[name] = c
	}
	return all
}

// read gives the shapes of the tensors that all facets of a model read, without
// leading axes of size 1, which a graph leaves out.
func read(t *testing.T, c *crate.Config, height int) map[string][]int {
	t.Helper()
	layers := make([]int, c.Depth)
	for l := range layers {
		layers[l] = l
	}
	g, err := crate.Build(c, crate.Request{Batch: 1, Height: height, Width: c.ImageSize[1], Outputs: c.FacetOutputs(c.Facets(), layers), Mask: crate.Mask{Ratio: 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{}
	for v := range g.Live() {
		if v.Op == graph.OpParam {
			shapes[v.Attrs["name"].(string)] = flat(v.Shape().Sizes())
		}
	}
	return shapes
}

func flat(shape []int) []int {
	for len(shape) > 1 && shape[0] == 1 {
		shape = shape[1:]
	}
	return shape
}

// TestTensorsAreRead: the tensors that a model lists are those that it reads at
// its own size, in the same shapes, but for the table that a fine-tuned
// CRATE-MAE reads at other sizes.
func TestTensorsAreRead(t *testing.T) {
	for name, c := range relatives(t) {
		got := read(t, c, c.ImageSize[0])
		if c.FineTuned {
			if _, ok := got["decoder_pos_embed"]; ok {
				t.Errorf("%s reads the decoder's positions at its own size", name)
			}
			got["decoder_pos_embed"] = read(t, c, 2*c.ImageSize[0])["decoder_pos_embed"]
		}
		for _, w := range c.Tensors() {
			if shape, ok := got[w.Name]; !ok || !slices.Equal(shape, flat(w.Shape)) {
				t.Errorf("%s lists %s %v, the graph reads %v", name, w.Name, w.Shape, shape)
			}
			delete(got, w.Name)
		}
		if len(got) > 0 {
			t.Errorf("%s does not list %v", name, got)
		}
	}
	// A mean leaves the second head of a distilled ViT out, which its file has.
	c := relatives(t)["vit-s16 distilled"]
	all := len(c.Tensors())
	c.Pool = crate.PoolMean
	if n := len(read(t, c, c.ImageSize[0])); n != all-2 || len(c.Tensors()) != all {
		t.Errorf("with a mean %d of %d tensors are read, of %d before", n, len(c.Tensors()), all)
	}
}

// TestNamesOnce: a tensor's name, or a part of one between dots, is written in
// one place of this package.
func TestNamesOnce(t *testing.T) {
	parts := map[string]bool{}
	for _, c := range relatives(t) {
		for _, w := range c.Tensors() {
			words := strings.Split(w.Name, ".")
			for i := range words {
				for j := i + 1; j <= len(words); j++ {
					parts[strings.Join(words[i:j], ".")] = true
				}
			}
		}
	}
	places := map[string][]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && parts[strings.Trim(s, ".")] {
					places[s] = append(places[s], fmt.Sprint(fset.Position(lit.Pos())))
				}
			}
			return true
		})
	}
	if len(places) < 30 {
		t.Errorf("%d names are found: %v", len(places), places)
	}
	for name, at := range places {
		if len(at) > 1 {
			t.Errorf("%q is written at %v", name, at)
		}
	}
}

func BenchmarkTensors(b *testing.B) {
	for _, name := range []string{"alpha-h14", "mae-l16"} {
		c, err := crate.Preset(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.Tensors()
			}
		})
	}
}

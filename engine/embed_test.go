package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/crate/readout"
	"github.com/crate-vk/crate-vk/engine/internal/devicetest"
	"github.com/crate-vk/crate-vk/engine/plan"
	"github.com/crate-vk/crate-vk/engine/vk"
	"github.com/crate-vk/crate-vk/graph"
	"github.com/crate-vk/crate-vk/graph/pass"
)

// TestEmbed: the vector of an image is row 0 of the tokens that the head reads, or the
// mean of the patches' rows, of every family of models, on every device with every family
// of kernels, and in half precision.
func TestEmbed(t *testing.T) {
	ctx := context.Background()
	imgs := pictures(3)
	check := func(t *testing.T, m *Model, tolerance float64) {
		c := m.Config()
		name := fmt.Sprintf("tokens.%d", c.Depth-1)
		if c.Architecture == crate.MAE || c.Architecture == crate.ViT {
			name = "features"
		}
		tokens, err := FeaturesOf(FeatureOptions{Tensors: []string{name}}).Batch(ctx, m, imgs)
		if err != nil {
			t.Fatal(err)
		}
		for _, pool := range []Pool{"", PoolClass, PoolMean} {
			got, err := Embed(EmbedOptions{Pool: pool}).Batch(ctx, m, imgs)
			if err != nil {
				t.Fatal(err)
			}
			for i := range imgs {
				x := tokens[i][name].Data
				want := x[:c.Dim]
				if pool == PoolMean {
					want = make([]float32, c.Dim)
					patches := x[c.Prefix*c.Dim:]
					for k, v := range patches {
						want[k%c.Dim] += v / float32(len(patches)/c.Dim)
					}
				}
				if err := near(got[i], want, tolerance); err != nil {
					t.Errorf("%s, pool %q, image %d: %v", c.Architecture, pool, i, err)
				}
			}
		}
	}
	source := func(dir string) *ModelSource {
		src, err := OpenModel("../testdata/model/"+dir, ModelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	models := []string{"crate-square", "crate-alpha", "crate-mae", "dino-vit"}
	for _, dir := range models {
		check(t, onInterpreter(t, source(dir)), goldenTolerance)
	}
	devicetest.Each(t, func(t *testing.T, _ *vk.Instance, info vk.Info) {
		for _, family := range []plan.Family{plan.Lanes, plan.Tiles} {
			for _, precision := range []Precision{FP32, FP16} {
				tolerance := goldenTolerance
				if precision == FP16 {
					if tolerance = 1e-2; !info.Storage16 {
						continue
					}
				}
				e := onDevice(t, info, withFamily(family), WithPrecision(precision))
				for _, dir := range models {
					check(t, load(t, e, source(dir)), tolerance)
				}
			}
		}
	})
}

// TestEmbedPlans: what comes back from the device is one vector an image, in whole quads
// of channels, and the class token's costs what the logits cost without the head: no
// other token goes through the end of the last layer.
func TestEmbedPlans(t *testing.T) {
	const batch, height, width = 8, 32, 48 // a batch that fills the registers of the lanes family, which pads others
	for _, preset := range []string{"crate-t16", "alpha-b16", "mae-b16", "vit-s16"} {
		c, err := crate.Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		c.Depth, c.Dim, c.Inner, c.Heads, c.Hidden = 2, 102, 96, 3, 200
		build := func(output string) *graph.Graph {
			g, err := readout.Graph(&c, Request{Outputs: []string{output}, Batch: batch, Height: height, Width: width}, pass.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		flops := map[string]int64{}
		for _, output := range []string{crate.EmbeddingClass, crate.EmbeddingMean} {
			flops[output] = build(output).FLOPs()
			for _, family := range []plan.Family{plan.Lanes, plan.Tiles, plan.Plain} {
				for _, precision := range []graph.DType{graph.F32, graph.F16} {
					lim := plan.BaselineLimits()
					lim.Subgroup, lim.Shuffle, lim.Ballot, lim.Storage16 = 8, true, true, true
					p, err := plan.New(build(output), lim, plan.Options{Family: family, Precision: precision})
					if err != nil {
						t.Fatal(err)
					}
					bytes := int64(0)
					for _, o := range p.Outputs {
						for _, b := range o.Buffers {
							bytes += p.Buffers[b].Layout.Bytes()
						}
					}
					if want := int64(4 * batch * 104); bytes != want { // 102 channels in quads
						t.Errorf("%s %s %s %s: %d bytes are read back, want %d", preset, output, family, precision, bytes, want)
					}
				}
			}
		}
		if c.LogitCount() == 0 {
			c.Classes = 10
		}
		head := int64(2 * batch * c.Dim * c.LogitCount())
		if logits := build("logits").FLOPs(); flops[crate.EmbeddingClass] != logits-head || flops[crate.EmbeddingMean] <= logits {
			t.Errorf("%s: the class token's vector takes %d FLOPs, the mean %d, the logits %d, %d of them the head's",
				preset, flops[crate.EmbeddingClass], flops[crate.EmbeddingMean], logits, head)
		}
	}
}

// TestEmbedOwn: a model whose head reads a mean is embedded by the mean, behind the norm
// that is made for it; one without a class token has no other.
func TestEmbedOwn(t *testing.T) {
	c, err := crate.Preset("vit-s16")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		change func(c *crate.Config)
		want   Pool
	}{
		{func(*crate.Config) {}, PoolClass},
		{func(c *crate.Config) { c.FCNorm, c.Pool = true, crate.PoolMean }, PoolMean},
		{func(c *crate.Config) { c.Prefix = 0 }, PoolMean},
	} {
		c := c
		x.change(&c)
		o, err := EmbedOptions{}.Resolved(&c)
		if err != nil || o.Pool != x.want {
			t.Errorf("the model's own is %q, %v, want %q", o.Pool, err, x.want)
		}
	}
	c.Prefix = 0
	if err := Embed(EmbedOptions{Pool: PoolClass}).Check(&c); err == nil {
		t.Error("a model without a class token has its vector")
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crate-vk/crate-vk/cmd/internal/arrays"
	"github.com/crate-vk/crate-vk/cmd/internal/cli"
	"github.com/crate-vk/crate-vk/crate"
	"github.com/crate-vk/crate-vk/engine"
)

// featureFlags of features.
type featureFlags struct {
	model  cli.ModelFlags
	device cli.DeviceFlags
	input  cli.InputFlags
	source sourceFlags
	layers string
	facets []string
	mask   crate.Mask
	format string
}

func (a *app) features() *cobra.Command {
	var f featureFlags
	c := &cobra.Command{
		Use:   "features [flags] PATH...",
		Short: "Write a model's tensors for each image",
		Long: `features writes, for each image, the tensors that the papers read off the models:

  tokens     tokens.embed, and tokens.L of each layer       [tokens width]
  key        key.L: the shared projection, a ViT's keys      [tokens heads·p]
  attention  attention.L: the maps after softmax             [heads tokens tokens]
  cls        cls_attention.L: the class token's attention,
             their row 0; its vector is in embedding         [heads tokens]
  logits     logits                                          [classes]
  features   features: after the last norm (ViT, MAE)        [tokens width]
  embedding  embedding.class and embedding.mean: the class
             token as the head reads it, and the mean of the
             patches instead; only when it is asked for      [width]

CRATE-MAE's decoder gives one more, which is only computed when it is asked for:

  reconstruction  the patches as seen through a mask, normalised, element order
                  (row, column, colour), and mask: 1 for those hidden
                                                      [patches 3·P²], [patches]`,
		Args: f.source.args,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runFeatures(cmd.Context(), &f, args) },
	}
	s := c.Flags()
	f.model.Register(s, true)
	s.StringVar(&f.layers, "layers", "all", "`all|N,N,...`: layers, -1 is the last")
	s.StringSliceVar(&f.facets, "facets", nil, "which tensors: tokens, key, attention, cls, logits, features, embedding, reconstruction; default: all but attention, which is large, embedding and reconstruction")
	s.Float64Var(&f.mask.Ratio, "mask-ratio", 0.75, "share `R` of the patches that reconstruction hides, 0 … 1")
	s.IntVar(&f.mask.Seed, "mask-seed", 0, "`SEED` that chooses which, the same for every image")
	s.StringVar(&f.format, "format", "safetensors", "safetensors or npz")
	f.source.register(s, "crate-vk-features")
	f.input.Register(s)
	f.device.RegisterJobs(s)
	f.device.Register(s)
	return c
}

func (f *featureFlags) options(m *engine.Model) (o engine.FeatureOptions, err error) {
	if o.InputOptions, err = f.input.Options(); err != nil {
		return o, err
	}
	if f.layers != "all" {
		o.Layers = []int{}
		for s := range strings.SplitSeq(f.layers, ",") {
			n, err := strconv.Atoi(s)
			if err != nil {
				return o, cli.Usage(fmt.Errorf("--layers is %q, want all or numbers such as 0,11", f.layers))
			}
			o.Layers = append(o.Layers, n)
		}
	}
	o.MaskRatio, o.MaskSeed = &f.mask.Ratio, f.mask.Seed
	for _, facet := range f.facets {
		o.Facets = append(o.Facets, crate.Facet(facet))
	}
	if f.facets == nil {
		c := m.Config()
		o.Facets = slices.DeleteFunc(c.Facets(), func(facet crate.Facet) bool {
			return facet == crate.FacetAttention || facet == crate.FacetEmbedding || facet == crate.FacetReconstruction
		})
	}
	return o, nil
}

func (a *app) runFeatures(ctx context.Context, f *featureFlags, args []string) error {
	src, err := f.model.Open(a.log)
	if err != nil {
		return err
	}
	f.source.suffixes, f.source.keep = []string{"." + f.format}, f.model.Files()
	tasks, stream, err := f.source.tasks(ctx, a, args)
	if err != nil {
		return err
	}
	on, err := a.load(ctx, &f.device, src)
	if err != nil {
		return err
	}
	defer on.close()
	m := on.m
	o, err := f.options(m)
	if err != nil {
		return err
	}
	if err := engine.FeaturesOf(o).Check(&src.Config); err != nil {
		return cli.Usage(err)
	}
	for _, facet := range o.Facets {
		if slices.Contains(src.Config.Facets(), facet) {
			continue
		}
		a.log.Info(fmt.Sprintf("%s has no %s: left out", src.Name, facet))
	}
	var facets []string
	for _, facet := range slices.Sorted(slices.Values(o.Facets)) {
		facets = append(facets, string(facet))
	}
	flags := fmt.Sprintf("layers=%s facets=%s format=%s %s %s", f.layers, strings.Join(facets, ","), f.format, f.input.Describe(), f.device.Describe())
	if slices.Contains(o.Facets, crate.FacetReconstruction) {
		flags += fmt.Sprintf(" mask-ratio=%g mask-seed=%d", f.mask.Ratio, f.mask.Seed)
	}
	r := &folderRun[engine.Features]{app: a, source: &f.source, decode: f.input.Decode(), header: on.header("features", flags)}
	r.model, r.read = m, engine.FeaturesOf(o)
	r.encode = func(_ *record, _ string, item engine.Item[engine.Features]) (map[string][]byte, error) {
		var b bytes.Buffer
		var list []arrays.Array
		for _, name := range sortedKeys(item.Value) {
			t := item.Value[name]
			list = append(list, arrays.Array{Name: name, Shape: t.Shape.Sizes(), Data: t.Data})
		}
		if err := arrays.Write(&b, f.format, list); err != nil {
			return nil, err
		}
		return map[string][]byte{"." + f.format: b.Bytes()}, nil
	}
	return r.run(ctx, tasks, stream)
}

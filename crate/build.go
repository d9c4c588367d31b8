package crate

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// Positions says when the position table is resampled (numerics 3).
type Positions string

// The position modes.
const (
	// PositionsExact uses the table as stored at its own grid and resamples it
	// for any other.
	PositionsExact Positions = "exact"
	// PositionsDemo always resamples once, as the published demo does by
	// accident even at its native size.
	PositionsDemo Positions = "demo"
)

// Request says what to compute, at which size.
type Request struct {
	Batch         int
	Height, Width int // pixels, multiples of the patch side
	Positions     Positions
	Outputs       []string // facet tensors: tokens.embed tokens.L key.L attention.L cls_attention.L logits features reconstruction
	Mask          Mask     // of reconstruction
	Normalised    bool     // the input is a normalised image [B 3 Y X], not 8-bit pixels [B Y X 3]
}

// InputName is the name of the graph's input.
const InputName = "image"

// Build makes the graph that computes the requested outputs:
//
//	tokens.embed     [B n d]     after class token and positions
//	tokens.L         [B n d]     output of layer L
//	key.L            [B n h·p]   shared projection of layer L, or its keys
//	attention.L      [B h n n]   maps after softmax
//	cls_attention.L  [B h n]     their row 0
//	logits           [B K]
//	features         [B n d]     after the last norm (ViT, MAE)
//	reconstruction   [B N 3·P²]  the patches as CRATE-MAE's decoder sees them through
//	                             a mask, normalised, element order (row, column, colour)
//
// The graph holds the whole model: the pass dead-code cuts it at what is read.
func Build(c *Config, r Request) (*graph.Graph, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if r.Batch < 1 || r.Height < c.Patch || r.Width < c.Patch || r.Height%c.Patch != 0 || r.Width%c.Patch != 0 {
		return nil, fmt.Errorf("cannot build for a batch of %d at %d×%d px: want at least 1, and multiples of the patch side %d", r.Batch, r.Width, r.Height, c.Patch)
	}
	b := &builder{Builder: graph.NewBuilder(string(c.Architecture)), c: c, r: r, values: map[string]*graph.Value{}}
	x := b.embed()
	b.values["tokens.embed"] = x
	for l := range c.Depth {
		x = b.layer(l, x)
		b.values[fmt.Sprintf("tokens.%d", l)] = x
	}
	b.finish(x)
	if slices.Contains(r.Outputs, "reconstruction") && c.DecoderDepth > 0 {
		b.values["reconstruction"] = b.reconstruct()
	}
	for _, name := range r.Outputs {
		v := b.values[name]
		if v == nil {
			b.Fail(fmt.Errorf("a %s model of %d layers has no %q", c.Architecture, c.Depth, name))
		}
		b.Output(name, v)
	}
	return b.Graph()
}

// Facets lists the kinds of tensors that the model has.
func (c *Config) Facets() []string {
	f := []string{"tokens", "key", "attention", "cls"}
	if c.LogitCount() > 0 {
		f = append(f, "logits")
	}
	if c.Architecture == ViT || c.Architecture == MAE {
		f = append(f, "features")
	}
	if c.DecoderDepth > 0 {
		f = append(f, "reconstruction")
	}
	return f
}

// FacetOutputs turns facets and layers into output names, in a fixed order.
// tokens gives tokens.embed and, where there is one, features.
func (c *Config) FacetOutputs(facets []string, layers []int) []string {
	var out []string
	if slices.Contains(facets, "tokens") {
		out = append(out, "tokens.embed")
	}
	for _, l := range layers {
		for _, f := range []struct{ facet, tensor string }{{"key", "key"}, {"attention", "attention"}, {"cls", "cls_attention"}, {"tokens", "tokens"}} {
			if slices.Contains(facets, f.facet) {
				out = append(out, fmt.Sprintf("%s.%d", f.tensor, l))
			}
		}
	}
	if slices.Contains(facets, "features") && slices.Contains(c.Facets(), "features") {
		out = append(out, "features")
	}
	if slices.Contains(facets, "logits") && c.LogitCount() > 0 {
		out = append(out, "logits")
	}
	if slices.Contains(facets, "reconstruction") && c.DecoderDepth > 0 {
		out = append(out, "reconstruction")
	}
	return out
}

// builder adds to graph.Builder what model code says often.
type builder struct {
	*graph.Builder
	c      *Config
	r      Request
	values map[string]*graph.Value // what can be read, by output name
	tokens *graph.Value            // the patches, projected
	masked bool                    // the layers run on a masked image: nothing is read off them
}

// param declares a vector or matrix; leading axes of size 1 in the file are
// left out here.
func (b *builder) param(name string, axes ...any) *graph.Value {
	return b.Param(name, graph.F32Type(axes...))
}

func (b *builder) layerNorm(x *graph.Value, name string, n int, eps float64) *graph.Value {
	return b.Do(graph.OpLayerNorm, graph.Attrs{"eps": eps}, x, b.param(name+".weight", "C", n), b.param(name+".bias", "C", n))
}

func (b *builder) linear(x *graph.Value, name string, out, in int, bias bool) *graph.Value {
	args := []*graph.Value{x, b.param(name+".weight", "R", out, "K", in)}
	if bias {
		args = append(args, b.param(name+".bias", "R", out))
	}
	return b.Do(graph.OpLinear, nil, args...)
}

// patches is the input cut into patch vectors [B N 3·P²], normalised.
func (b *builder) patches() *graph.Value {
	image := graph.F32Type("B", b.r.Batch, "RGB", 3, "Y", b.r.Height, "X", b.r.Width)
	var x *graph.Value
	if b.r.Normalised {
		x = b.Input(InputName, image)
	} else {
		pixels := b.Input(InputName, graph.Type{DType: graph.U8, Shape: graph.Dims("B", b.r.Batch, "Y", b.r.Height, "X", b.r.Width, "RGB", 3)})
		x = b.Do(graph.OpNormalise, graph.Attrs{"mean": b.c.Mean[:], "std": b.c.Std[:]}, pixels)
	}
	return b.Do(graph.OpPatchify, graph.Attrs{"patch": b.c.Patch}, x)
}

// project is the patches projected to the model's width.
func (b *builder) project() *graph.Value {
	d, d0 := b.c.Dim, 3*b.c.Patch*b.c.Patch
	x := b.patches()
	switch b.c.Architecture {
	case CRATE:
		x = b.layerNorm(x, "to_patch_embedding.1", d0, 1e-5)
		x = b.linear(x, "to_patch_embedding.2", d, d0, true)
		return b.layerNorm(x, "to_patch_embedding.3", d, 1e-5)
	case Alpha:
		return b.convolve(x, "conv1")
	}
	return b.convolve(x, "patch_embed.proj")
}

// embed is X₀: patches projected, prefix tokens in front, positions added.
func (b *builder) embed() *graph.Value {
	c, d := b.c, b.c.Dim
	if b.tokens == nil {
		b.tokens = b.project()
	}
	x := b.tokens
	if b.masked {
		x = b.mask(x)
	}
	// Prefix tokens are put in front one at a time, the class token last, so
	// that it is row 0.
	if c.Prefix > 1 {
		x = b.Do(graph.OpPrepend, nil, x, b.param("dist_token", "T", 1, "C", d))
	}
	x = b.Do(graph.OpPrepend, nil, x, b.param("cls_token", "T", 1, "C", d))
	return b.Do(graph.OpAdd, nil, x, b.positions())
}

func (b *builder) convolve(x *graph.Value, name string) *graph.Value {
	p := b.c.Patch
	kernel := b.param(name+".weight", "C", b.c.Dim, "RGB", 3, "Y", p, "X", p)
	return b.Do(graph.OpLinear, nil, x, b.Do(graph.OpConvAsLinear, nil, kernel), b.param(name+".bias", "R", b.c.Dim))
}

// positions is the table for the requested grid (numerics 3): as stored at its own
// grid, else resampled with σ = (g + 0.1)/g₀ an axis.
func (b *builder) positions() *graph.Value {
	c := b.c
	gh, gw := c.Grid()
	th, tw := b.r.Height/c.Patch, b.r.Width/c.Patch
	native := th == gh && tw == gw && b.r.Positions != PositionsDemo
	name := c.positionTable()
	if c.FineTuned && native {
		name = "pos_embed"
	}
	table := b.param(name, "T", c.tokens(), "C", c.Dim)
	if native {
		return table
	}
	return b.Do(graph.OpResamplePositions, graph.Attrs{"rows": gh, "columns": gw, "torows": th, "tocolumns": tw, "prefix": c.Prefix,
		"rowscale": (float64(th) + 0.1) / float64(gh), "columnscale": (float64(tw) + 0.1) / float64(gw)}, table)
}

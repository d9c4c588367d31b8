package crate

import (
	"fmt"
	"slices"

	"github.com/crate-vk/crate-vk/graph"
)

// Request says what to compute, at which size.
type Request struct {
	Batch         int
	Height, Width int // pixels, multiples of the patch side
	Positions     Positions
	Outputs       []string // facet tensors: tokens.embed tokens.L key.L attention.L cls_attention.L logits features embedding.class embedding.mean reconstruction
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
//	embedding.class  [B d]       what the head reads of the class token: its row of features,
//	                             of a CRATE and CRATE-α of the last layer's output
//	embedding.mean   [B d]       the mean of the patches' rows instead
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
	b := newBuilder(c, r)
	b.model(slices.Contains(r.Outputs, "reconstruction"))
	for _, name := range r.Outputs {
		v := b.values[name]
		if v == nil {
			b.Fail(fmt.Errorf("a %s model of %d layers has no %q", c.Architecture, c.Depth, name))
		}
		b.Output(name, v)
	}
	return b.Graph()
}

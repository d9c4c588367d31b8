package crate

import (
	"fmt"
	"math"
)

// Resolve makes the configuration of a checkpoint: from the settings, earlier
// sources first (flags, config.json, metadata); then from what the shapes
// tell; then defaults. Heads, η, λ and ε can't be seen in the shapes: where a
// default is used for the heads, or for λ of CRATE-MAE, a warning names the
// flag. A setting that the shapes contradict is a *ModelError.
func Resolve(ckpt *Checkpoint, sources ...Settings) (c Config, warnings []string, err error) {
	var s Settings
	for _, src := range sources {
		s = s.Or(src)
	}
	found, err := detect(ckpt)
	if err != nil {
		return c, nil, err
	}
	if s.Architecture != nil && *s.Architecture != found {
		return c, nil, &ModelError{What: fmt.Sprintf("architecture is given as %s, the tensors are those of %s", *s.Architecture, found)}
	}
	c = familyDefaults(found)
	if err := shapesOf(ckpt, &c); err != nil {
		return c, nil, err
	}
	if err := c.apply(&s); err != nil {
		return c, nil, err
	}
	if err := c.imageSize(ckpt, &s); err != nil {
		return c, nil, err
	}
	if !c.OutProjection { // the published code leaves it out for a single head as wide as the model
		if c.Heads != 0 && c.Heads != 1 || c.Inner != c.Dim {
			return c, nil, &ModelError{What: fmt.Sprintf("the attention has no output projection (to_out), which is so for one head of %d alone, and the projection has %d rows%s", c.Dim, c.Inner, given("heads", s.Heads))}
		}
		c.Heads = 1
	} else if s.Heads == nil {
		c.Heads = defaultHeads(&c)
		warnings = append(warnings, fmt.Sprintf("the file does not say how many heads the model has: taking %d of %d by its width (--heads)", c.Heads, c.Inner/c.Heads))
	}
	if s.Lambda == nil && c.Architecture == MAE {
		warnings = append(warnings, fmt.Sprintf("the file does not say the threshold λ, which differs between CRATE-MAE checkpoints (0.1, 0.5 or 5): taking %g (--lambda)", c.Lambda))
	}
	if err := c.Check(); err != nil {
		return c, warnings, &ModelError{What: err.Error()}
	}
	return c, warnings, nil
}

func given(name string, n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf(", and %s is given as %d", name, *n)
}

// detect finds the family by its characteristic tensors (numerics 1.7).
func detect(k *Checkpoint) (Architecture, error) {
	layer := "transformer.layers.0."
	switch {
	case k.has("conv1.weight") && k.has(layer+"1.fn.D"):
		return Alpha, nil
	case k.has("to_patch_embedding.2.weight") && (k.has(layer+"0.fn.qkv.weight") || k.has(layer+"0.fn.to_qkv.weight")):
		return CRATE, nil
	case k.has("blocks.0.layers.0.0.fn.qkv.weight"):
		return MAE, nil
	case k.has("blocks.0.attn.qkv.weight"):
		return ViT, nil
	}
	return "", &ModelError{What: fmt.Sprintf("none of its %d tensors are those of a CRATE, CRATE-α, CRATE-MAE or ViT model", len(k.shapes))}
}

// shapesOf fills in what the shapes tell.
func shapesOf(k *Checkpoint, c *Config) error {
	c.Dim = k.dim("cls_token", -1)
	if c.Dim == 0 {
		return &ModelError{What: "cls_token is missing"}
	}
	c.Classes = k.dim("mlp_head.1.weight", 0)
	var layer, attention, block string
	switch c.Architecture {
	case MAE:
		c.Depth = k.layers("blocks.")
		c.Patch = k.dim("patch_embed.proj.weight", -1)
		layer = "blocks.0.layers.0."
		c.Classes = k.dim("head.weight", 0)
		c.FineTuned = c.Classes > 0
		if k.has("decoder_pred.weight") {
			c.DecoderDepth = k.layers("decoder_blocks.")
		}
	case ViT:
		c.Depth = k.layers("blocks.")
		c.Patch = k.dim("patch_embed.proj.weight", -1)
		c.Inner = k.dim("blocks.0.attn.qkv.weight", 0) / 3
		c.Hidden = k.dim("blocks.0.mlp.fc1.weight", 0)
		c.Classes = k.dim("head.weight", 0)
		if c.FCNorm = k.has("fc_norm.weight"); c.FCNorm {
			c.Pool = PoolMean
		}
		if k.has("dist_token") {
			c.Prefix = 2
		}
		return k.foreignParts()
	case Alpha:
		c.Patch = k.dim("conv1.weight", -1)
		layer = "transformer.layers.0."
	default:
		c.Patch = squareRoot(k.dim("to_patch_embedding.2.weight", -1) / 3)
		layer = "transformer.layers.0."
		if c.Classes > 0 && k.dim("head.weight", 1) == c.Classes { // a probe beside the head is none behind it
			c.ExtraHead = k.dim("head.weight", 0)
		}
	}
	if c.Architecture != MAE {
		c.Depth = k.layers("transformer.layers.")
	}
	attention, block = layer+"0.fn.", layer+"1.fn."
	c.Inner = k.dim(attention+"qkv.weight", 0)
	if n := k.dim(attention+"to_qkv.weight", 0); n > 0 {
		c.Attention, c.Inner = AttentionMHSA, n/3
	}
	c.OutProjection = k.has(attention + "to_out.0.weight")
	c.OutBias = k.has(attention + "to_out.0.bias")
	switch {
	case k.has(block + "net.0.weight"):
		c.Block, c.Hidden, c.ResidualFF = BlockMLP, k.dim(block+"net.0.weight", 0), true
	case c.Architecture == Alpha && (k.dim(block+"D", 1) != c.Dim || k.has(block+"D1")):
		c.Hidden = k.dim(block+"D", 1)
		c.Decoupled = k.has(block + "D1")
	case c.Architecture == Alpha: // the "vanilla" variant: CRATE's block, its dictionary named D
		c.Block, c.ResidualFF = BlockISTA, false
	}
	return nil
}

// apply takes over settings and refuses those that the shapes contradict.
func (c *Config) apply(s *Settings) error {
	for _, f := range []struct {
		name string
		set  *int
		got  *int
	}{{"patch_size", s.Patch, &c.Patch}, {"dim", s.Dim, &c.Dim}, {"depth", s.Depth, &c.Depth}} {
		if f.set != nil && *f.set != *f.got {
			return &ModelError{What: fmt.Sprintf("%s is given as %d, the tensors say %d", f.name, *f.set, *f.got)}
		}
	}
	if s.Classes != nil && *s.Classes != c.LogitCount() && *s.Classes != c.Classes {
		return &ModelError{What: fmt.Sprintf("num_classes is given as %d, the tensors say %d", *s.Classes, c.LogitCount())}
	}
	if s.Attention != nil && *s.Attention != c.Attention {
		return &ModelError{What: fmt.Sprintf("attention is given as %s, the tensors say %s", *s.Attention, c.Attention)}
	}
	if s.Block != nil && *s.Block != c.Block {
		if *s.Block != BlockSoft || c.Block != BlockISTA { // ReLU or soft threshold: the tensors don't tell
			return &ModelError{What: fmt.Sprintf("block is given as %s, the tensors say %s", *s.Block, c.Block)}
		}
		c.Block = BlockSoft
	}
	if s.Heads != nil {
		c.Heads = *s.Heads
		if c.Heads < 1 || c.Inner%c.Heads != 0 {
			return &ModelError{What: fmt.Sprintf("heads is given as %d, which does not divide the projection's %d rows", c.Heads, c.Inner)}
		}
	}
	set(&c.Pool, s.Pool)
	set(&c.Eta, s.Eta)
	set(&c.Lambda, s.Lambda)
	set(&c.LNEps, s.LNEps)
	if c.Architecture == ViT { // one ε everywhere, while the others have their own at the end
		set(&c.FinalEps, s.LNEps)
	}
	set(&c.ResidualFF, s.ResidualFF)
	set(&c.Mean, s.Mean)
	set(&c.Std, s.Std)
	set(&c.Readout, s.Readout)
	c.Labels = s.Labels
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// imageSize is the native size: as set, else from a square position table.
func (c *Config) imageSize(k *Checkpoint, s *Settings) error {
	name := c.positionTable()
	rows := k.dim(name, -2)
	n := rows - c.Prefix
	if n < 1 || c.Patch < 1 {
		return &ModelError{What: fmt.Sprintf("%s has %d rows for %d prefix tokens and patch side %d", name, rows, c.Prefix, c.Patch)}
	}
	if s.ImageSize != nil {
		c.ImageSize = *s.ImageSize
		gh, gw := c.Grid()
		if c.ImageSize[0]%c.Patch != 0 || c.ImageSize[1]%c.Patch != 0 || gh*gw != n {
			return &ModelError{What: fmt.Sprintf("image_size is given as %d×%d (height × width), whose %d×%d patches are not the position table's %d", c.ImageSize[0], c.ImageSize[1], gh, gw, n)}
		}
		return nil
	}
	g := squareRoot(n)
	if g*g != n {
		return &ModelError{What: fmt.Sprintf("the position table has %d patches, which is no square: give image_size in config.json or metadata", n)}
	}
	c.ImageSize = [2]int{g * c.Patch, g * c.Patch}
	return nil
}

// positionTable is the name of the table that is added to the tokens. The
// published CRATE-MAE encoder adds its decoder's (numerics 1.4).
func (c *Config) positionTable() string {
	switch c.Architecture {
	case MAE:
		return "decoder_pos_embed"
	case ViT:
		return "pos_embed"
	}
	return "pos_embedding"
}

// foreignParts refuses ViTs with parts between the tensors that we know: left
// out like other extra tensors, they would change every result in silence.
func (k *Checkpoint) foreignParts() error {
	for _, part := range []struct{ tensor, what string }{
		{"blocks.0.ls1.gamma", "LayerScale"}, {"blocks.0.gamma_1", "LayerScale"}, {"blocks.0.attn.q_norm.weight", "norms of queries and keys"},
		{"blocks.0.attn.relative_position_bias_table", "relative positions"}, {"norm_pre.weight", "a norm before the first layer"},
		{"reg_token", "register tokens"}, {"register_tokens", "register tokens"}, {"pre_logits.fc.weight", "a layer before the head"},
	} {
		if k.has(part.tensor) {
			return &ModelError{What: fmt.Sprintf("the ViT has %s (%s), which is not supported", part.what, k.stored[part.tensor])}
		}
	}
	return nil
}

// squareRoot is the integer square root, rounded down.
func squareRoot(n int) int {
	r := int(math.Sqrt(float64(n)))
	for r*r > n {
		r--
	}
	for (r+1)*(r+1) <= n {
		r++
	}
	return r
}
